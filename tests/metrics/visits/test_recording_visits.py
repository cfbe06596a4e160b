"""Visits are kept once, whenever they come, and tell the daily tables and live metrics what is new."""

import asyncio
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from libs.common.bus.port import Delivery, Verdict
from libs.common.context import TenantScope
from libs.common.postgres.maintenance import PartitionPlan, maintain_partitions
from services.metrics.namespaces import Topic
from services.metrics.visits import recording
from services.metrics.visits.retention import VisitRetention
from tests.metrics.platform import oracle_visits as oracle
from tests.metrics.read_models.test_read_models import deliver
from tests.metrics.visits.journeys import journeys
from tests.platform import events as make
from tests.platform.events import NOON

DAY = timedelta(days=1)
TABLES = ("session_activity", "session_days", "sessions", "session_histories", "session_gaps")


async def kept(as_admin, tenant):
    rows = {
        table: await as_admin.fetch(f"select * from {table} where tenant_id = $1", tenant) for table in TABLES
    }
    # A gap that a late day has filled is there with no session, or was never there.
    rows["session_gaps"] = [row for row in rows["session_gaps"] if row["session_count"]]
    return {table: sorted(map(repr, own)) for table, own in rows.items()}


def visits_of(log):
    return [event for event in log if event.type in recording.TYPES]


async def test_every_arrival_gives_the_same_rows_also_past_the_inbox(database, as_admin, venues, handler):
    made = journeys(51)
    await deliver(handler, made.arrivals(1), 1)
    once = await kept(as_admin, made.tenant_id)
    scope = TenantScope(made.tenant_id)

    async with database.transaction(scope) as conn:
        changes = await recording.record(conn, made.tenant_id, visits_of(made.arrivals(2)))
    again = await kept(as_admin, made.tenant_id)
    for table in TABLES:
        await as_admin.execute(f"delete from {table} where tenant_id = $1", made.tenant_id)
    parts = visits_of(made.arrivals(3, again=0))

    async def record_by_tens(events):
        for at in range(0, len(events), 10):
            async with database.transaction(scope) as conn:
                await recording.record(conn, made.tenant_id, events[at : at + 10])

    await asyncio.gather(record_by_tens(parts), record_by_tens(parts[::-1]))
    replayed = await kept(as_admin, made.tenant_id)

    assert (changes.venues, changes.live, changes.daily, changes.visits) == ({}, [], [], [])
    assert once == again == replayed


async def test_what_is_new_is_told_by_venue_show_and_quarter_of_an_hour(database, handler):
    tenant, venue, one, two = (uuid4() for _ in range(4))
    log = [
        make.page_viewed(tenant, venue, "s"),
        make.page_viewed(tenant, venue, "s", show=one),
        make.page_viewed(tenant, venue, "t", show=one, at=NOON + timedelta(seconds=59)),
        make.cart_updated(tenant, venue, "s", shows=[one, two, None], at=NOON + timedelta(minutes=1)),
        make.cart_updated(tenant, venue, "t", at=NOON + timedelta(minutes=1)),
        make.checkout_started(tenant, venue, "s", show=two, at=NOON + timedelta(minutes=20)),
    ]
    await deliver(handler, [make.venue_updated(tenant, venue)])
    async with database.transaction(TenantScope(tenant)) as conn:
        changes = await recording.record(conn, tenant, log)

    of_venue, of_show = Counter(), Counter()
    for fact in changes.daily:
        assert (fact.venue_id, fact.currency) == (venue, "")
        for name, number in fact.figures.items():
            of_venue[name] += number
            of_show[fact.event_id, name] += number
    assert of_venue == {"page_view_count": 3, "cart_count": 2, "checkout_count": 1}
    assert {key: number for key, number in of_show.items() if key[0] is not None} == {
        (one, "page_view_count"): 2,
        (one, "cart_count"): 1,
        (two, "cart_count"): 1,
        (two, "checkout_count"): 1,
    }
    assert {(fact.event_id, fact.at, fact.newest_fact_at) for fact in changes.daily if fact.event_id} == {
        (one, NOON, NOON + timedelta(minutes=1)),
        (two, NOON, NOON + timedelta(minutes=1)),
        (two, NOON + timedelta(minutes=15), NOON + timedelta(minutes=20)),
    }
    assert Counter(visit.session_id for visit in changes.visits) == {"s": 2, "t": 1}
    assert Counter((value.key.metric_type, value.value) for value in changes.live) == {
        ("page_views", 1.0): 3,
        ("carts_updated", 1.0): 2,
        ("checkouts_started", 1.0): 1,
    }
    assert changes.venues == {Topic.VISITS: {venue}}
    assert {show.event_id for show in recording.shows(log)} == {one, two}


async def test_new_visits_are_live_and_repeats_are_not(handler, as_admin):
    tenant, venue = uuid4(), uuid4()
    now = datetime.now(UTC)
    log = [make.page_viewed(tenant, venue, "s", at=now) for _ in range(3)]
    log.append(make.checkout_started(tenant, venue, "s", at=now))

    await deliver(handler, log)
    await deliver(handler, log)

    live = await as_admin.fetch(
        "select metric_type, sum(value_sum)::int as total from realtime_metrics where tenant_id = $1"
        " group by 1 order by 1",
        tenant,
    )
    assert [tuple(row) for row in live] == [("checkouts_started", 1), ("page_views", 3)]


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda event: event.ClearField("venue_id"), "venueId"),
        (lambda event: event.page_viewed.ClearField("session_id"), "pageViewed.sessionId"),
        (lambda event: event.occurred_at.FromDatetime(datetime.now(UTC) + 32 * DAY), "occurredAt"),
    ],
)
async def test_an_unfit_visit_goes_to_the_dead_letters_and_harms_no_other(handler, as_admin, spoil, field):
    tenant, venue = uuid4(), uuid4()
    poison, honest = (make.page_viewed(tenant, venue, name) for name in ("poison", "honest"))
    spoil(poison)

    settlements = await handler([Delivery(poison, 1), Delivery(honest, 1)])

    assert [settlement.verdict for settlement in settlements] == [Verdict.DEAD, Verdict.DONE]
    assert settlements[0].reason.startswith(f"INVALID_FIELD: {field}")
    rows = await as_admin.fetch("select session_id from sessions where tenant_id = $1", tenant)
    assert [row["session_id"] for row in rows] == ["honest"]


async def test_days_and_the_gaps_between_them_are_what_the_log_says_whatever_comes_late(handler, as_admin):
    made = journeys(58, hours=400)
    events = visits_of(made.arrivals(58))
    await asyncio.gather(deliver(handler, events[::2], 1), deliver(handler, events[1::2], 2))

    days = defaultdict(set)
    for at, venue, session, *_ in oracle.visits(made.log):
        days[UUID(venue), session].add(at.date())
        days[UUID(int=0), session].add(at.date())
    gaps = Counter(
        (venue, day, before)
        for (venue, _), own in days.items()
        for before, day in pairwise([date.min, *sorted(own)])
    )
    histories = await as_admin.fetch("select * from session_histories where tenant_id = $1", made.tenant_id)
    rows = await as_admin.fetch("select * from session_gaps where tenant_id = $1", made.tenant_id)
    found = {(row["venue_id"], row["day"], row["previous_day"]): row["session_count"] for row in rows}
    assert {(row["venue_id"], row["session_id"]): row["days"] for row in histories} == {
        key: sorted(own) for key, own in days.items()
    }
    assert {gap: count for gap, count in found.items() if count} == gaps
    assert all(row["last_day"] == row["days"][-1] for row in histories)
    assert max(len(own) for own in days.values()) > 2


async def test_old_visits_are_kept_until_retention_and_then_forgotten(
    worker_database, handler, reader, as_admin
):
    tenant, venue = uuid4(), uuid4()
    now = datetime.now(UTC)
    old = [now - (900 + number) * DAY for number in range(5)]
    log = [make.page_viewed(tenant, venue, f"old-{at}", at=at) for at in old]
    log.append(make.page_viewed(tenant, venue, "new", at=now - 300 * DAY))
    await deliver(handler, log)
    edges = [now - 1000 * DAY, now - 800 * DAY, now]
    before = await reader.counts(TenantScope(tenant), edges)

    retention = VisitRetention(worker_database, retention_days=400, round_rows=2)
    forgotten = await retention.forget()
    await retention.forget()

    after = await reader.counts(TenantScope(tenant), edges)
    assert [(row.place, row.visitor_count) for row in before] == [(0, 5), (1, 1)]
    assert [(row.place, row.visitor_count) for row in after] == [(1, 1)]
    assert forgotten >= 15
    left = await kept(as_admin, tenant)
    assert [len(left[table]) for table in TABLES] == [1, 1, 1, 2, 2]


async def test_partitions_are_made_and_dropped_beside_the_default_one(postgres_server):
    service = await postgres_server.create_database("metrics", migrated=True)
    from libs.common.postgres.database import Database

    worker = Database.connect(service.worker_url, application_name="tests", pool_size=1)
    plan = [PartitionPlan(name, 62 * DAY, 400 * DAY) for name in ("session_activity", "session_days")]
    later = datetime.now(UTC) + 100 * DAY

    dropped = await maintain_partitions(worker, plan, now=later)
    repeated = await maintain_partitions(worker, plan, now=later)

    await worker.close()
    await postgres_server.drop_database(service)
    assert len(dropped) >= 4
    assert not any(name.endswith("_older") for name in dropped)
    assert repeated == []


@pytest.mark.parametrize("table", TABLES)
async def test_without_a_tenant_no_visit_is_visible(database, handler, as_admin, table):
    await deliver(handler, [make.page_viewed(uuid4(), uuid4(), "s")])

    async with database.infrastructure() as conn:
        seen = await conn.fetchval(f"select count(*) from {table}")

    assert seen == 0
    assert await as_admin.fetchval(f"select count(*) from {table}") > 0
