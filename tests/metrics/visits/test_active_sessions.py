"""The list of active sessions is what the log says, page by page, also while sessions move."""

from datetime import UTC, timedelta
from uuid import uuid4

import pytest
from tickettoken.metrics.v1 import sessions_pb2

from libs.common.context import TenantScope
from libs.common.errors import VenueNotFound
from libs.common.paging import PageTokenInvalid, PageTokens
from services.metrics.visits.active import ActiveSessions
from tests.metrics.platform import oracle_visits as oracle
from tests.metrics.read_models.test_read_models import deliver
from tests.metrics.visits.journeys import journeys
from tests.platform import events as make
from tests.platform.events import NOON

SECOND = timedelta(seconds=1)


@pytest.fixture
def listing(database, venues):
    """Asks for one page of sessions that were active in the last `active_seconds` before `now`."""

    async def ask(scope, venue, *, now=NOON, active_seconds=300, size=0, token=""):
        sessions = ActiveSessions(
            database, venues, PageTokens(b"k" * 32), active_seconds=active_seconds, now=lambda: now
        )
        request = sessions_pb2.ListActiveSessionsRequest(
            venue_id=str(venue), page_size=size, page_token=token
        )
        return await sessions.page(scope, request)

    return ask


def rows_of(answer):
    return [
        (
            one.session_id,
            one.page,
            one.event_id,
            one.device_class,
            one.start_time.ToDatetime(tzinfo=UTC),
            one.last_seen_time.ToDatetime(tzinfo=UTC),
            one.page_view_count,
            one.furthest_step,
        )
        for one in answer.sessions
    ]


@pytest.mark.parametrize("seed", [41, 42])
async def test_pages_together_are_what_the_log_says(listing, handler, seed):
    made = journeys(seed)
    scope = TenantScope(made.tenant_id)
    await deliver(handler, made.arrivals(seed), seed)
    await deliver(handler, made.arrivals(seed + 1), seed)
    now, length = NOON + timedelta(days=5), 4 * 86_400

    for venue in made.venues:
        expected = oracle.active(made.log, venue, now - length * SECOND)
        found, token = [], ""
        while True:
            answer = await listing(scope, venue, now=now, active_seconds=length, size=7, token=token)
            found += rows_of(answer)
            assert (answer.active_count, answer.active_seconds) == (len(expected), length)
            assert answer.as_of.ToDatetime(tzinfo=UTC) == expected[0][5]
            if not (token := answer.next_page_token):
                break

        assert found == expected
        assert {row[-1] for row in found} >= {"event_page", "cart", "checkout", "order"}


async def test_a_session_is_active_until_its_time_is_over(listing, handler):
    tenant, venue = uuid4(), uuid4()
    await deliver(handler, [make.cart_updated(tenant, venue, "s")])

    edge = await listing(TenantScope(tenant), venue, now=NOON + 300 * SECOND)
    over = await listing(TenantScope(tenant), venue, now=NOON + 301 * SECOND)

    assert rows_of(edge) == [("s", "", "", "other", NOON, NOON, 0, "cart")]
    assert (rows_of(over), over.active_count, over.HasField("as_of")) == ([], 0, False)


async def test_sessions_that_move_between_pages_are_shown_once_and_the_others_all(listing, handler):
    tenant, venue = uuid4(), uuid4()
    scope = TenantScope(tenant)
    names = [f"s{number}" for number in range(9)]
    await deliver(
        handler,
        [make.page_viewed(tenant, venue, name, at=NOON - at * SECOND) for at, name in enumerate(names)],
    )

    first = await listing(scope, venue, size=3)
    moved = [make.page_viewed(tenant, venue, name, at=NOON + SECOND) for name in ("s1", "s7", "new")]
    await deliver(handler, moved)
    rest = await listing(scope, venue, size=9, token=first.next_page_token)

    assert [one.session_id for one in first.sessions] == ["s0", "s1", "s2"]
    assert [one.session_id for one in rest.sessions] == ["s3", "s4", "s5", "s6", "s8"]
    assert rest.active_count == 10
    assert not rest.next_page_token


async def test_the_latest_view_is_told_by_time_and_not_by_arrival(listing, handler):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    views = [
        make.page_viewed(tenant, venue, "s", page="/c", show=show, device_class="tablet", at=NOON),
        make.page_viewed(tenant, venue, "s", page="/a", at=NOON - 9 * SECOND),
        make.page_viewed(tenant, venue, "s", page="/b", at=NOON - 5 * SECOND),
    ]
    for view in views:
        await deliver(handler, [view])

    (row,) = rows_of(await listing(TenantScope(tenant), venue))

    assert row == ("s", "/c", str(show), "tablet", NOON - 9 * SECOND, NOON, 3, "event_page")


async def test_a_list_of_no_concern_is_refused_with_its_reason(listing, handler):
    tenant, venue, other = uuid4(), uuid4(), uuid4()
    await deliver(
        handler, [make.page_viewed(tenant, where, name) for where in (venue, other) for name in "abc"]
    )
    token = (await listing(TenantScope(tenant), venue, size=1)).next_page_token

    for scope in (TenantScope(uuid4()), TenantScope(tenant, frozenset({other}))):
        with pytest.raises(VenueNotFound):
            await listing(scope, venue)
    for bad in (token[:-4] + "AAAA", "no token"):
        with pytest.raises(PageTokenInvalid):
            await listing(TenantScope(tenant), venue, token=bad)
    with pytest.raises(PageTokenInvalid):
        await listing(TenantScope(tenant), other, token=token)
