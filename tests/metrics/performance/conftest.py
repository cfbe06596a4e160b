"""Shows made by hand: how many seats, and how many tickets were sold how long before the doors."""

from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest

from libs.common.context import TenantScope
from services.metrics.capacity.report import Capacity
from services.metrics.marketplace.reader import MarketplaceReader
from services.metrics.performance.pacing import PacingReader
from services.metrics.performance.report import EventPerformance
from services.metrics.sales.reader import SalesReader
from services.metrics.tickets.reader import TicketReader
from tests.metrics.read_models.test_read_models import deliver
from tests.platform import events as make
from tests.platform.events import NOON

DAY = timedelta(days=1)


class Season:
    """One tenant whose shows are written down first and delivered together."""

    def __init__(self):
        self.tenant_id, self.venue = uuid4(), uuid4()
        self.log = [make.venue_updated(self.tenant_id, self.venue)]

    @property
    def scope(self):
        return TenantScope(self.tenant_id)

    def show(self, doors, sold=(), *, venue=None, capacity=100, genre="rock", price=2_000, **terms):
        """A show with one type; `sold` are (tickets, days before the doors, part that was returned)."""
        venue, show, stalls = venue or self.venue, uuid4(), uuid4()
        terms = {"starts_at": doors, "on_sale_at": doors - 40 * DAY, **terms}
        self.log.append(make.event_created(self.tenant_id, venue, show, genre=genre, **terms))
        if capacity is not None:
            self.log.append(
                make.ticket_type_updated(
                    self.tenant_id, venue, show, stalls, capacity=capacity, price=price, at=NOON - 900 * DAY
                )
            )
        for tickets, days_before, *returned in sold:
            self.sell(show, doors - days_before * DAY, tickets, *returned, venue=venue, price=price)
        return show

    def sell(self, show, at, tickets, returned=0, *, venue=None, **terms):
        venue, order, price = venue or self.venue, uuid4(), terms.pop("price", 2_000)
        lines = [(tickets, price, None, show)]
        self.log.append(make.order_completed(self.tenant_id, venue, order, lines=lines, at=at, **terms))
        if returned:
            self.log.append(
                make.order_refunded(
                    self.tenant_id,
                    venue,
                    order,
                    amount=returned * price,
                    lines=[(returned, None, show)],
                    at=at + DAY,
                )
            )
        return order

    def past(self, number, sold_by_then, *, horizon=10, final=90, **terms):
        """A past show on the weekday of `NOON`, the more weeks ago the higher its number."""
        doors = NOON - 7 * number * DAY
        sold = [(sold_by_then, horizon + 5)] if sold_by_then else []
        return self.show(doors, [*sold, (final - sold_by_then, horizon - 5)], **terms)


@pytest.fixture
def season():
    return Season()


@pytest.fixture
def told(handler):
    """Delivers what a season has written down, shuffled."""

    async def tell(season):
        await deliver(handler, season.log, 3)
        season.log = []

    return tell


@pytest.fixture
def paces(database, venues):
    """The pacing of a scope's shows at an instant."""
    reader = PacingReader(Capacity(database, venues))

    async def pacing(scope, *event_ids, at=NOON):
        async with database.transaction(scope) as conn:
            return (await reader.standings_in(conn, scope.tenant_id, event_ids, at)).pacing

    async def percentiles(scope, *event_ids, at=NOON):
        async with database.transaction(scope) as conn:
            return await reader.percentiles_at(conn, scope.tenant_id, event_ids, at)

    return SimpleNamespace(pacing=pacing, percentiles=percentiles)


@pytest.fixture
def performance(database, venues):
    sales, tickets, market = SalesReader(database), TicketReader(database), MarketplaceReader()
    return EventPerformance(database, sales, tickets, market, PacingReader(Capacity(database, venues)))
