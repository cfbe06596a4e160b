"""Unique sessions by bucket are what the log says, for any edges."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.buckets import Window, bucket_edges, zone
from libs.common.context import TenantScope
from services.metrics.visits.reader import VisitReader
from tests.metrics.platform import oracle_visits as oracle
from tests.metrics.read_models.test_read_models import deliver
from tests.metrics.visits.journeys import journeys
from tests.platform import events as make
from tests.platform.events import NOON

DAY = timedelta(days=1)


@pytest.mark.parametrize("seed", [11, 12])
async def test_random_buckets_are_what_the_log_says(reader, handler, seed):
    made = journeys(seed)
    scope = TenantScope(made.tenant_id)
    await deliver(handler, made.arrivals(seed), seed)

    chance = random.Random(seed)
    for _ in range(8):
        count = chance.choice([1, 2, 20, 60])
        instants = {NOON + timedelta(microseconds=chance.randrange(4 * 86_400 * 10**6)) for _ in range(count)}
        edges = sorted({NOON - DAY, *instants})
        for venue_ids in ([], made.venues[:1], made.venues):
            found = await reader.counts(scope, edges, venue_ids=venue_ids)
            assert found == oracle.counts(made.log, edges, venue_ids or made.venues)
        shows = chance.sample(list(made.shows), 2)
        found = await reader.counts(scope, edges, event_ids=shows)
        assert found == oracle.counts(made.log, edges, made.venues, shows)


@pytest.mark.parametrize(
    ("name", "turn"),
    [
        ("Europe/Berlin", datetime(2026, 3, 29, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 8, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 3, 3, tzinfo=UTC)),
    ],
)
async def test_local_hours_and_days_over_a_turn_of_the_clock(reader, handler, name, turn):
    made = journeys(60 + turn.day, start=turn - DAY / 2)
    await deliver(handler, made.arrivals(21))

    for granularity in ("hour", "day"):
        edges = bucket_edges(Window(turn - DAY, turn + 2 * DAY), granularity, zone(name))
        found = await reader.counts(TenantScope(made.tenant_id), edges)

        assert found == oracle.counts(made.log, edges, made.venues)
        assert len(found) > 2


async def test_a_grant_and_a_tenant_limit_what_is_counted(reader, handler):
    made = journeys(31)
    await deliver(handler, made.arrivals(31))
    granted = made.venues[0]
    edges = [NOON, NOON + 4 * DAY]

    found = await reader.counts(TenantScope(made.tenant_id, frozenset({granted})), edges)
    foreign = await reader.counts(TenantScope(uuid4()), edges, venue_ids=made.venues)

    assert found == oracle.counts(made.log, edges, [granted])
    assert foreign == []


async def test_a_session_at_two_venues_is_active_once(database, handler):
    tenant, here, there = uuid4(), uuid4(), uuid4()
    await deliver(
        handler,
        [
            make.page_viewed(tenant, here, "both"),
            make.page_viewed(tenant, there, "both"),
            make.page_viewed(tenant, there, "edge", at=NOON - timedelta(seconds=300)),
            make.page_viewed(tenant, there, "late", at=NOON - timedelta(seconds=301)),
            make.page_viewed(tenant, there, "ahead", at=NOON + DAY),
        ],
    )
    reader = VisitReader(database, now=lambda: NOON)

    assert await reader.active_count(TenantScope(tenant), None) == 2
    assert await reader.active_count(TenantScope(tenant), here) == 1
    assert await reader.active_count(TenantScope(tenant), there) == 2
    assert await reader.active_count(TenantScope(tenant, frozenset({here})), None) == 1
    assert await reader.active_count(TenantScope(uuid4()), None) == 0
