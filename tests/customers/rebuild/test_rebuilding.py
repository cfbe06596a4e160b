"""Read models made anew from raw events are the ones there were, row by row."""

import asyncio
import os
import re
import subprocess
import sys
from contextlib import aclosing
from uuid import UUID, uuid4

import pytest

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from services.customers.rebuild.rebuild import RebuildRefused
from services.customers.rebuild.store import EMPTIED
from tests.customers.people.shoppers import bought, by, record, registered
from tests.customers.purchases.histories import History
from tests.platform import events as make

TABLES = sorted(re.search(r"from (\w+)", statement)[1] for statement in EMPTIED)

OTHERS = {
    # Made from the read models by runs of their own, which come back to whoever changed.
    "customer_churn", "customer_lifetime_value", "lifetime_runs", "models", "customer_rfm_scores",
    "rfm_pending", "rfm_runs", "segment_flows", "segment_moves", "segment_totals", "customer_segment_members",
    "insights", "insight_refreshes",
    # What people of the tenant decided.
    "campaigns", "customer_segments", "insight_actions",
    # The life of the service itself.
    "idempotency_keys", "inbox", "outbox", "job_schedules", "job_runs", "read_model_rebuilds",
    "read_model_rebuild_events",
    # Whom nothing may bring back.
    "erasures", "erasure_parts", "erased_customers",
    # Who owns a venue's id is kept; the rest of its row is compared with the read models.
    "venues",
}  # fmt: skip


async def state(connection, tenant_id):
    """Every row of the tenant's read models, as text."""
    found = {}
    for table in (*TABLES, "venues"):
        rows = await connection.fetch(
            f"select to_jsonb(t)::text as row from {table} t where tenant_id = $1", tenant_id
        )
        found[table] = sorted(row["row"] for row in rows)
    return found


def differences(after, before):
    """Rows that only one of two states has, by table; empty when there are none."""
    found = {table: sorted({*after[table]} ^ {*before[table]}) for table in before}
    return "\n".join(f"{table}: {row}" for table, rows in found.items() for row in rows[:6])


async def rebuilt(rebuild, tenant_id, **options):
    with acting_as(service_caller("customers", tenant_id)):
        return [step async for step in rebuild.run(TenantScope(tenant_id), **options)]


@pytest.fixture
def taken(handler, keep):
    """The events, as the queues of both services take them."""

    async def take(events):
        for start in range(0, len(events), 200):
            await record(handler, events[start : start + 200])
        await keep(events)

    return take


@pytest.fixture
def season():
    """A history with a catalog, as it arrives: shuffled, late and repeated."""
    history = History(51, orders=120)
    told = []
    for number, venue in enumerate(history.venues):
        told.append(make.venue_updated(history.tenant, venue, name=f"Hall {number}", version=number))
        for show in history.shows[venue]:
            told.append(make.event_created(history.tenant, venue, show, name="First"))
            told.append(make.event_updated(history.tenant, venue, show, name="Second", version=2))
            told.append(make.ticket_type_updated(history.tenant, venue, show, uuid4(), version=1))
    told.append(make.event_cancelled(history.tenant, history.venues[0], history.shows[history.venues[0]][0]))
    history.events = [*told, *history.events]
    return history


async def test_a_rebuild_reproduces_every_read_model_exactly(taken, rebuild, as_admin, season):
    await taken(season.arrivals(1))
    before = await state(as_admin, season.tenant)

    steps = await rebuilt(rebuild, season.tenant)

    assert steps[-1].read >= steps[-1].total >= len(season.events)
    assert (steps[-1].refused, steps[-1].vanished_count) == ({}, 0)
    assert differences(await state(as_admin, season.tenant), before) == ""
    empty = {table for table, rows in before.items() if not rows}
    assert not empty, "a table without rows says nothing"


async def test_an_emptied_database_is_filled_with_the_same_rows(taken, rebuild, as_admin, season):
    await taken(season.arrivals(2))
    before = await state(as_admin, season.tenant)
    for table in (*TABLES, "venues", "inbox"):
        await as_admin.execute(f"delete from {table} where tenant_id = $1", season.tenant)

    await rebuilt(rebuild, season.tenant)

    assert differences(await state(as_admin, season.tenant), before) == ""


async def test_events_that_come_during_a_rebuild_are_applied_once(taken, rebuild, as_admin, season):
    arrivals = season.arrivals(3)
    half = len(arrivals) // 2
    await taken(arrivals[:half])

    await asyncio.gather(rebuilt(rebuild, season.tenant), taken(arrivals[half:]))

    during = await state(as_admin, season.tenant)
    await rebuilt(rebuild, season.tenant)
    assert differences(await state(as_admin, season.tenant), during) == ""


async def test_an_interrupted_rebuild_goes_on_and_ends_in_the_same_rows(taken, rebuild, as_admin, season):
    await taken(season.events)
    before = await state(as_admin, season.tenant)
    with acting_as(service_caller("customers", season.tenant)):
        async with aclosing(rebuild.run(TenantScope(season.tenant))) as steps:
            await anext(steps)

    steps = await rebuilt(rebuild, season.tenant)

    assert steps[-1].total is None
    assert differences(await state(as_admin, season.tenant), before) == ""


async def test_a_rebuild_repairs_damage_and_leaves_other_tenants_alone(taken, rebuild, as_admin):
    tenant, other, venue, foreign, person = (uuid4() for _ in range(5))
    await taken([bought(tenant, venue, person), registered(tenant, person, name="Ada")])
    await taken([bought(other, foreign, person)])
    right, untouched = await state(as_admin, tenant), await state(as_admin, other)
    await as_admin.execute("update purchases set gross_minor = 1 where tenant_id = $1", tenant)
    await as_admin.execute("delete from customer_venues where tenant_id = $1", tenant)

    await rebuilt(rebuild, tenant)

    assert await state(as_admin, tenant) == right
    assert await state(as_admin, other) == untouched


async def test_a_rebuild_refuses_to_lose_what_the_raw_events_lack(handler, impatient, as_admin):
    tenant, venue = uuid4(), uuid4()
    await record(handler, [bought(tenant, venue, uuid4())])
    before = await state(as_admin, tenant)

    with pytest.raises(RebuildRefused, match="1 events that the read models show"):
        await rebuilt(impatient, tenant)

    assert await state(as_admin, tenant) == before


async def test_what_has_expired_may_be_lost_where_that_is_said(handler, keep, impatient, as_admin):
    tenant, venue, person = uuid4(), uuid4(), uuid4()
    kept = bought(tenant, venue, person)
    await record(handler, [kept, bought(tenant, venue, person)])
    await keep([kept])

    steps = await rebuilt(impatient, tenant, beyond_retention=True)

    assert steps[-1].vanished_count == 1
    orders = await as_admin.fetch("select order_id from purchases where tenant_id = $1", tenant)
    assert [str(row["order_id"]) for row in orders] == [kept.entity_id]


async def test_a_refused_event_is_told_with_its_reason_and_harms_no_other(taken, keep, rebuild, as_admin):
    tenant, thief, venue = uuid4(), uuid4(), uuid4()
    await taken([make.venue_updated(tenant, venue)])
    stolen, own = bought(thief, venue, uuid4()), bought(thief, uuid4(), uuid4())
    await keep([stolen, own])

    steps = await rebuilt(rebuild, thief)

    assert list(steps[-1].refused) == [stolen.event_id]
    assert steps[-1].refused[stolen.event_id].startswith("VENUE_NOT_FOUND")
    assert len((await state(as_admin, thief))["purchases"]) == 1


async def test_every_table_of_a_tenant_is_rebuilt_or_known_to_be_something_else(as_admin):
    rows = await as_admin.fetch("""
        select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    """)

    assert {row["relname"] for row in rows} == {*TABLES, *OTHERS}


async def test_the_command_rebuilds_and_says_so(taken, replica, as_admin):
    tenant, venue = uuid4(), uuid4()
    await taken([bought(tenant, venue, uuid4()), make.venue_updated(tenant, venue)])
    before = await state(as_admin, tenant)
    await as_admin.execute("update purchases set gross_minor = 99 where tenant_id = $1", tenant)

    told = await asyncio.to_thread(run_command, replica, "replay", "--tenant", str(tenant))

    assert "applied 2 events, refused 0" in told.stdout, told
    assert told.returncode == 0
    assert await state(as_admin, tenant) == before


async def test_the_command_fills_sessions_and_touchpoints_again(keep, replica, mongo):
    tenant, venue, person = uuid4(), uuid4(), uuid4()
    viewed = by(make.page_viewed(tenant, venue, "session-1"), person)
    await keep([viewed, make.campaign_touchpoint(tenant, venue, customer=person)])

    for _ in range(2):
        told = await asyncio.to_thread(run_command, replica, "replay", "--documents", "--tenant", str(tenant))
        assert (told.returncode, "applied 2 events" in told.stdout) == (0, True), told

    with acting_as(service_caller("customers", tenant)):
        found = [await mongo.collection(name).find({}, limit=9) for name in ("touchpoints", "user_behavior")]
    assert [[one["customer_id"] for one in documents] for documents in found] == [[str(person)]] * 2


async def test_the_command_refuses_without_a_metrics_service(customers_process):
    told = await asyncio.to_thread(run_command, customers_process, "replay", "--tenant", str(UUID(int=1)))

    assert told.returncode == 2
    assert "CUSTOMERS_METRICS_TARGET" in told.stderr


def run_command(process, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.customers", *arguments],
        env=os.environ | process.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
