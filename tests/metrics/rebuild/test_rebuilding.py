"""Read models made anew from raw events are the ones there were, row by row."""

import asyncio
import json
import os
import re
import subprocess
import sys
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.bus.consumer import repeatable, service_caller
from libs.common.bus.port import DONE, Delivery
from libs.common.context import TenantScope, acting_as
from services.metrics.raw_events.consumer import RawEvents
from services.metrics.raw_events.store import RawEventStore
from services.metrics.read_models.consumer import ReadModels
from services.metrics.read_models.effects import Effects
from services.metrics.rebuild.rebuild import Rebuild, RebuildRefused
from services.metrics.rebuild.store import EMPTIED
from tests.metrics.erased import TOMBSTONES, NobodyErased
from tests.metrics.season.log import Log
from tests.metrics.season.play import play
from tests.platform import events as make

TABLES = sorted(re.search(r"from (\w+)", statement)[1] for statement in EMPTIED)
OTHERS = {
    # Recorded metrics, their live windows, and counters come from calls, not from platform events.
    "metric_series", "metric_budgets", "metric_shapes", "metric_ids", "analytics_metrics",
    "analytics_aggregations", "realtime_metrics", "realtime_versions", "counters",
    # The life of the service itself.
    "idempotency_keys", "inbox", "outbox", "job_schedules", "job_runs", "read_model_rebuilds", "daily_checks",
    # Whom nothing may bring back.
    "erasures", "erased_customers",
    # Who owns a venue's id is kept; the rest of its row is compared with the read models.
    "venues",
}  # fmt: skip


@pytest.fixture
async def raw_events(mongo_url):
    store = RawEventStore.connect(mongo_url, kept=timedelta(days=400))
    yield store
    await store.close()


@pytest.fixture
def rebuild(database, raw_events, venues, cache):
    return Rebuild(database, raw_events, ReadModels(database, venues, Effects(None, cache), TOMBSTONES))


@pytest.fixture
def impatient(database, raw_events, venues, cache):
    return Rebuild(
        database,
        raw_events,
        ReadModels(database, venues, Effects(None, cache), TOMBSTONES),
        patience_seconds=1,
    )


async def applied(handler, raw_events, events):
    """The events, as both queues take them."""
    keep = repeatable(service="metrics", apply=RawEvents(raw_events, NobodyErased()).apply)
    for start in range(0, len(events), 300):
        batch = [Delivery(event, 1) for event in events[start : start + 300]]
        for settlements in (await handler(batch), await keep(batch)):
            assert all(settlement == DONE for settlement in settlements), settlements


async def state(connection, tenant_id, *, tables=(*TABLES, "venues")):
    """Every row of the tenant's read models, as text.

    Left out are sums that came back to zero, which say what no row says (a ticket whose type was told late
    leaves one), when the newest fact behind a sum came (one that has moved since may have been newer), and
    what numbers a transaction.
    """
    found = {}
    for table in tables:
        rows = await connection.fetch(
            f"select to_jsonb(t) as row from {table} t where tenant_id = $1", tenant_id
        )
        facts = [json.loads(row["row"]) for row in rows]
        found[table] = sorted(json.dumps(told(fact), sort_keys=True) for fact in facts if not is_zero(fact))
    return found


def is_zero(row):
    """Whether a row has sums, and all of them are nothing."""
    sums = [value for name, value in row.items() if name.endswith(("_count", "_minor")) or name == "value"]
    return bool(sums) and not any(sums)


def told(row):
    return {name: value for name, value in row.items() if name not in ("committed_in", "newest_fact_at")}


def differences(after, before):
    """Rows that only one of two states has, by table; empty when there are none."""
    found = {table: sorted({*after[table]} ^ {*before[table]}) for table in before}
    return "\n".join(f"{table}: {row}" for table, rows in found.items() for row in rows[:6])


async def rebuilt(rebuild, tenant_id, **options):
    with acting_as(service_caller("metrics", tenant_id)):
        return [step async for step in rebuild.run(TenantScope(tenant_id), **options)]


async def test_a_rebuild_reproduces_every_read_model_exactly(handler, raw_events, rebuild, as_admin):
    season = play(31, orders=300)
    log = Log(season)
    await applied(handler, raw_events, [log.event(number) for number in log.arrivals(31)])
    before = await state(as_admin, season.tenant_id)

    steps = await rebuilt(rebuild, season.tenant_id)

    after = await state(as_admin, season.tenant_id)
    assert steps[-1].read == steps[-1].total == len(log)
    assert steps[-1].refused == {}
    assert differences(after, before) == ""
    empty = {table for table, rows in before.items() if not rows}
    assert not empty, "a table without rows says nothing"


async def test_events_that_come_during_a_rebuild_are_applied_once(handler, raw_events, rebuild, as_admin):
    season = play(32, orders=120)
    log = Log(season)
    numbers = log.arrivals(32)
    early = [log.event(number) for number in numbers[: len(numbers) // 2]]
    late = [log.event(number) for number in numbers[len(numbers) // 2 :]]
    await applied(handler, raw_events, early)

    await asyncio.gather(rebuilt(rebuild, season.tenant_id), applied(handler, raw_events, late))

    during = await state(as_admin, season.tenant_id)
    await rebuilt(rebuild, season.tenant_id)
    assert differences(await state(as_admin, season.tenant_id), during) == ""


async def test_an_interrupted_rebuild_goes_on_where_it_stopped(handler, raw_events, rebuild, as_admin):
    season = play(33, orders=120)
    log = Log(season)
    await applied(handler, raw_events, [log.event(number) for number in range(len(log))])
    before = await state(as_admin, season.tenant_id)
    with acting_as(service_caller("metrics", season.tenant_id)):
        async with aclosing(rebuild.run(TenantScope(season.tenant_id))) as steps:
            step = await anext(steps)
            assert step.read < step.total

    steps = await rebuilt(rebuild, season.tenant_id)

    assert steps[-1].read < len(log)
    assert differences(await state(as_admin, season.tenant_id), before) == ""


async def test_a_rebuild_repairs_damage_and_leaves_other_tenants_alone(
    handler, raw_events, rebuild, as_admin
):
    tenant, other, venue, foreign = (uuid4() for _ in range(4))
    await applied(handler, raw_events, [make.order_completed(tenant, venue)])
    await applied(handler, raw_events, [make.order_completed(other, foreign)])
    right, untouched = await state(as_admin, tenant), await state(as_admin, other)
    await as_admin.execute("update sales_rollup set gross_minor = 1 where tenant_id = $1", tenant)
    await as_admin.execute("delete from order_lines where tenant_id = $1", tenant)

    await rebuilt(rebuild, tenant)

    assert await state(as_admin, tenant) == right
    assert await state(as_admin, other) == untouched


async def test_a_rebuild_waits_for_raw_events_and_refuses_to_lose_what_they_lack(
    handler, raw_events, impatient, as_admin
):
    tenant, venue = uuid4(), uuid4()
    assert await handler([Delivery(make.order_completed(tenant, venue), 1)]) == [DONE]
    before = await state(as_admin, tenant)

    with pytest.raises(RebuildRefused, match="1 applied events"):
        await rebuilt(impatient, tenant)

    assert await state(as_admin, tenant) == before


async def test_a_rebuild_refuses_to_lose_what_has_expired(handler, raw_events, rebuild, as_admin):
    tenant, venue = uuid4(), uuid4()
    event = make.order_completed(tenant, venue)
    assert await handler([Delivery(event, 1)]) == [DONE]
    almost_expired = datetime.now(UTC) - timedelta(days=399, hours=12)
    with acting_as(service_caller("metrics", tenant)):
        await RawEvents(raw_events, NobodyErased(), now=lambda: almost_expired).apply([event])

    with pytest.raises(RebuildRefused, match="have expired"):
        await rebuilt(rebuild, tenant)

    assert len(await rebuilt(rebuild, tenant, beyond_retention=True)) == 1


async def test_every_table_of_a_tenant_is_rebuilt_or_known_to_be_something_else(as_admin):
    rows = await as_admin.fetch("""
        select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    """)

    assert {row["relname"] for row in rows} == {*TABLES, *OTHERS}


async def test_the_command_rebuilds_and_says_so(
    handler, raw_events, metrics_process, as_admin, redis_url, mongo_url
):
    tenant, venue = uuid4(), uuid4()
    await applied(
        handler, raw_events, [make.order_completed(tenant, venue), make.venue_updated(tenant, venue)]
    )
    before = await state(as_admin, tenant)
    await as_admin.execute("update ticket_counts set sold_count = 99 where tenant_id = $1", tenant)

    told = await asyncio.to_thread(run_command, metrics_process, "replay", "--tenant", str(tenant))

    assert "applied 2 events, refused 0" in told.stdout, told
    assert told.returncode == 0
    assert await state(as_admin, tenant) == before


def run_command(process, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.metrics", *arguments],
        env=os.environ | process.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
