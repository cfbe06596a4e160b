"""The best shows by each figure, as a naive count ranks them."""

from datetime import timedelta
from uuid import uuid4

import pytest

from libs.common.buckets import Window
from libs.common.context import TenantScope
from services.metrics.capacity.report import Capacity
from services.metrics.sales.reader import SalesReader
from services.metrics.sales.standings import OrderBy
from services.metrics.sales.top_events import Rankings
from tests.metrics.platform.year import END, START
from tests.metrics.read_models.test_read_models import deliver
from tests.platform import events as make
from tests.platform.events import NOON

DAY = timedelta(days=1)


@pytest.fixture
def rankings(database, venues):
    return Rankings(database, SalesReader(database), Capacity(database, venues), now=lambda: NOON + 10 * DAY)


async def test_revenue_is_ranked_within_each_currency(rankings, sold):
    made, lines = sold
    window = Window(START + 70 * DAY, END - 50 * DAY)
    own = [line for line in lines if line.sold_at in window and line.show is not None]

    top = await rankings.top(TenantScope(made.tenant_id), window, OrderBy.REVENUE, 100)

    nets = {}
    for line in own:
        key = (line.currency, line.show)
        nets[key] = nets.get(key, 0) + line.gross - line.refund - line.fee
    found = {(one.figures[0].currency, one.event_id): one for one in top.shows}
    assert {key: one.figures[0].net_minor for key, one in found.items()} == nets
    for (currency, _), one in found.items():
        better = [net for (of, _), net in nets.items() if of == currency and net > one.figures[0].net_minor]
        assert one.rank == 1 + len(better)
        assert len(one.figures) == 1
    assert [key[0] for key in found] == sorted(key[0] for key in found)


async def test_the_limit_is_of_each_currency(rankings, sold):
    made, _ = sold

    top = await rankings.top(TenantScope(made.tenant_id), Window(START, END), OrderBy.REVENUE, 2)

    currencies = [one.figures[0].currency for one in top.shows]
    assert currencies == ["CHF", "CHF", "EUR", "EUR", "USD", "USD"]


async def test_tickets_are_ranked_over_all_currencies(rankings, sold):
    made, lines = sold
    granted = made.venues[1]

    top = await rankings.top(
        TenantScope(made.tenant_id, frozenset({granted})), Window(START, END), OrderBy.TICKETS, 100
    )

    counts = {}
    for line in lines:
        if line.venue == granted and line.show is not None:
            counts[line.show] = counts.get(line.show, 0) + line.tickets - line.returned
    assert {one.event_id: one.ticket_count for one in top.shows} == counts
    assert [one.ticket_count for one in top.shows] == sorted(counts.values(), reverse=True)


@pytest.fixture
async def three_shows(handler):
    """A full small show, a half-full large one, and one of which nobody told the capacity."""
    tenant, venue, small, large, unknown, stalls = (uuid4() for _ in range(6))
    order = uuid4()
    await deliver(
        handler,
        [
            make.event_created(tenant, venue, small, name="Small", capacity=10, starts_at=NOON + 5 * DAY),
            make.event_created(tenant, venue, large, name="Large", capacity=999, starts_at=NOON + 90 * DAY),
            make.ticket_type_updated(tenant, venue, large, stalls, capacity=40),
            make.order_completed(tenant, venue, lines=[(4, 100)], show=small, at=NOON - DAY),
            make.order_completed(tenant, venue, order, lines=[(7, 100)], show=small),
            make.order_refunded(tenant, venue, order, amount=100, lines=[(1, None, small)], at=NOON + DAY),
            make.order_completed(tenant, venue, lines=[(20, 100, stalls)], show=large, at=NOON + DAY),
            make.order_completed(tenant, venue, lines=[(10, 100, stalls)], show=large, at=NOON + 8 * DAY),
            make.order_completed(tenant, venue, lines=[(5, 900)], show=unknown, at=NOON),
        ],
    )
    return TenantScope(tenant), venue, small, large, unknown


async def test_sell_through_is_that_of_the_windows_end(rankings, three_shows):
    scope, venue, small, large, unknown = three_shows
    window = Window(NOON, NOON + 2 * DAY)

    by_seats = await rankings.top(scope, window, OrderBy.SELL_THROUGH, 10)
    by_revenue = await rankings.top(scope, window, OrderBy.REVENUE, 10, venue)

    assert [(one.event_id, one.standing.sell_through) for one in by_seats.shows] == [
        (small, 1.0),
        (large, 0.5),
    ]
    assert [one.event_id for one in by_revenue.shows] == [unknown, large, small]
    assert by_revenue.shows[0].standing.sell_through is None
    assert by_revenue.as_of == NOON + DAY


async def test_velocity_is_over_the_days_on_sale_until_doors_or_now(rankings, three_shows):
    scope, _, small, large, unknown = three_shows

    top = await rankings.top(scope, Window(NOON - 10 * DAY, NOON + 30 * DAY), OrderBy.VELOCITY, 10)

    assert [(one.rank, one.event_id, one.standing.tickets_per_day) for one in top.shows] == [
        (1, large, pytest.approx(30 / 9)),
        (2, small, pytest.approx(10 / 6)),
        (3, unknown, pytest.approx(5 / 10)),
    ]


async def test_a_voided_show_is_not_ranked(rankings, handler):
    tenant, venue, order, show = (uuid4() for _ in range(4))
    await deliver(handler, [make.order_completed(tenant, venue, order, show=show)])
    await deliver(handler, [make.order_cancelled(tenant, venue, order)])

    top = await rankings.top(TenantScope(tenant), Window(NOON, NOON + DAY), OrderBy.TICKETS, 10)

    assert (top.shows, top.as_of) == ((), None)
