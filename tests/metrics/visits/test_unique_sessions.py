"""Unique sessions of long windows are what the log says, wherever their edges lie."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from libs.common.buckets import Window
from libs.common.context import TenantScope
from services.metrics.visits.reader import UniqueSessions
from tests.metrics.platform import oracle_visits as oracle
from tests.metrics.read_models.test_read_models import deliver
from tests.metrics.visits.journeys import journeys
from tests.platform import events as make
from tests.platform.events import NOON

DAY = timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0)


@pytest.fixture
def unique(database, reader):
    """Asks for the unique sessions of a window."""

    async def ask(scope, start, end, venue_id=None):
        async with database.transaction(scope) as conn:
            return await reader.unique_in(conn, scope, Window(start, end), venue_id)

    return ask


def naive(log, start, end, venues):
    rows = oracle.counts(log, [start, end], venues)
    if not rows:
        return UniqueSessions(0, 0, 0, None)
    (_, visitors, ordering, sessions, _, newest) = rows[0]
    return UniqueSessions(visitors, ordering, sessions, newest)


@pytest.mark.parametrize("seed", [71, 72, 73])
async def test_random_windows_are_what_the_log_says(unique, handler, seed):
    made = journeys(seed, sessions=120, hours=300)
    tenant, (here, there) = made.tenant_id, made.venues
    await deliver(handler, made.arrivals(seed), seed)

    chance = random.Random(seed)
    for _ in range(25):
        instants = [
            NOON + timedelta(microseconds=chance.randrange(-2 * 86_400 * 10**6, 17 * 86_400 * 10**6)),
            MIDNIGHT + chance.randrange(-2, 17) * DAY,
            MIDNIGHT + chance.randrange(-2, 17) * DAY - timedelta(minutes=345),
        ]
        start, end = sorted(chance.sample(instants, 2))
        both, one = TenantScope(tenant), TenantScope(tenant, frozenset({here}))
        several = TenantScope(tenant, frozenset({here, there}))
        assert await unique(both, start, end) == naive(made.log, start, end, made.venues)
        assert await unique(several, start, end) == naive(made.log, start, end, made.venues)
        assert await unique(both, start, end, there) == naive(made.log, start, end, [there])
        assert await unique(one, start, end) == naive(made.log, start, end, [here])
        assert await unique(one, start, end, here) == naive(made.log, start, end, [here])


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
async def test_local_days_until_an_instant(unique, handler, name):
    made = journeys(81, hours=200)
    await deliver(handler, made.arrivals(81), 81)
    clock, end = ZoneInfo(name), NOON + 6 * DAY + timedelta(microseconds=1)
    scope = TenantScope(made.tenant_id)

    for days in (1, 2, 5):
        start = datetime.combine((end - days * DAY).date(), datetime.min.time(), clock).astimezone(UTC)

        assert await unique(scope, start, end) == naive(made.log, start, end, made.venues)


async def test_what_comes_after_the_window_on_its_last_day_does_not_count(unique, handler):
    tenant, venue = uuid4(), uuid4()
    end = MIDNIGHT + 3 * DAY + timedelta(hours=5)
    log = [
        make.page_viewed(tenant, venue, "before", at=MIDNIGHT + DAY),
        make.page_viewed(tenant, venue, "over", at=end - timedelta(hours=1)),
        make.page_viewed(tenant, venue, "over", at=end + timedelta(hours=1)),
        make.page_viewed(tenant, venue, "after", at=end),
    ]
    await deliver(handler, log)

    found = await unique(TenantScope(tenant), MIDNIGHT, end)

    assert found == UniqueSessions(2, 0, 2, end - timedelta(hours=1))


async def test_a_window_without_a_fact_and_the_other_tenants_attempt(unique, handler):
    made = journeys(91)
    await deliver(handler, made.arrivals(91))
    nothing = UniqueSessions(0, 0, 0, None)

    assert await unique(TenantScope(made.tenant_id), NOON - 90 * DAY, NOON - DAY) == nothing
    assert await unique(TenantScope(uuid4()), NOON - DAY, NOON + 9 * DAY) == nothing
    assert await unique(TenantScope(uuid4()), NOON - DAY, NOON + 9 * DAY, made.venues[0]) == nothing
    assert await unique(TenantScope(made.tenant_id, frozenset()), NOON - DAY, NOON + 9 * DAY) == nothing
    foreign = TenantScope(made.tenant_id, frozenset({uuid4()}))
    assert await unique(foreign, NOON - DAY, NOON + 9 * DAY) == nothing
    assert await unique(foreign, NOON - DAY, NOON + 9 * DAY, made.venues[0]) == nothing
