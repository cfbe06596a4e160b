"""A venue's history written down by hand and delivered, and the use cases over it."""

import random
from datetime import datetime
from uuid import uuid4

import numpy as np
import pytest
from tickettoken.customers.v1.insights_pb2 import ListInsightsRequest

from libs.common.bus.consumer import service_caller
from libs.common.bus.port import DONE, Delivery
from libs.common.context import TenantScope, acting_as
from libs.common.paging import PageTokens
from services.customers.cohorts.reader import CohortReader
from services.customers.insights.gathering import Gathering
from services.customers.insights.judging import Judging
from services.customers.insights.listing import Filter, Listing
from services.customers.insights.refreshing import Refreshing
from tests.customers.insights.quiet import CLOCK, DAY, END
from tests.platform import events as make

NOW = datetime(END.year, END.month, END.day, 10, tzinfo=CLOCK)


def local(day, hour=12):
    """An hour of a day on the venue's clock."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=CLOCK)


class History:
    """Facts of one venue, delivered shuffled and twice."""

    def __init__(self):
        self.tenant_id, self.venue_id = uuid4(), uuid4()
        self.scope = TenantScope(self.tenant_id)
        self.log = [make.venue_updated(self.tenant_id, self.venue_id, time_zone=CLOCK.key)]

    def buy(self, at, *, customer=None, net=2_000, channel="web", lines=None, show=None):
        order = uuid4()
        self.log.append(
            make.order_completed(
                self.tenant_id,
                self.venue_id,
                order,
                customer=customer or uuid4(),
                lines=lines or [(1, net, None, show)],
                channel=channel,
                show=show,
                at=at,
            )
        )
        return order

    def steady(self, first, last, *, per_day=6, channels=("web", "web", "app")):
        """The same orders every day but for a small wave, from `first` to `last` days ago."""
        for back in range(first, last - 1, -1):
            day = END - back * DAY
            for place in range(per_day):
                wave = 100 * ((back * 7 + place * 3) % 11)
                self.buy(local(day), net=2_000 + wave, channel=channels[place % len(channels)])

    async def tell(self, handler, seed=1):
        chance = random.Random(seed)
        for _ in range(2):
            chance.shuffle(self.log)
            for start in range(0, len(self.log), 400):
                batch = [Delivery(event, 1) for event in self.log[start : start + 400]]
                assert set(await handler(batch)) == {DONE}


@pytest.fixture
def history():
    return History()


@pytest.fixture
def clock():
    """The present instant of the use cases, which a test may move."""
    return [NOW]


@pytest.fixture
def gathering(database):
    return Gathering(database, CohortReader(database))


@pytest.fixture
def gathered(gathering, venues):
    """What generators look at."""

    async def gathered(history, now=NOW):
        found = await venues.require(history.scope, [history.venue_id])
        return await gathering.gather(history.scope, found[history.venue_id], now)

    return gathered


@pytest.fixture
def refreshing(database, venues, gathering, cache, clock):
    return Refreshing(database, venues, gathering, cache, now=lambda: clock[0])


@pytest.fixture
def refreshed(refreshing):
    """Refreshes a history's venue."""

    async def refreshed(history):
        with acting_as(service_caller("customers", history.tenant_id)):
            return await refreshing.refresh(history.scope, history.venue_id)

    return refreshed


@pytest.fixture
def listing(database, venues, clock):
    return Listing(database, venues, PageTokens(b"p" * 32), now=lambda: clock[0])


@pytest.fixture
def judging(database, clock):
    return Judging(database, b"a" * 32, now=lambda: clock[0])


@pytest.fixture
def generator():
    return np.random.default_rng(11)


def everything(history, **chosen):
    return Filter(history.venue_id, chosen.get("type"), chosen.get("priority"), chosen.get("actionable"))


@pytest.fixture
def listed(listing):
    """Findings of a history's venue."""

    async def listed(history, **chosen):
        request = ListInsightsRequest(venue_id=str(history.venue_id))
        page = await listing.page(history.scope, everything(history, **chosen), request, requested_size=0)
        return [told.insight for told in page.insights]

    return listed


@pytest.fixture
async def eventful(handler, history):
    """A venue whose revenue broke down on one day, and whose app sells less since four weeks."""
    history.steady(150, 29)
    history.steady(28, 1, channels=("web", "web", "web", "web", "web", "app"))
    broken = local(END - 2 * DAY).date()
    history.log = [
        event
        for event in history.log
        if event.type != "order.completed" or event.occurred_at.ToDatetime().date() != broken
    ]
    history.buy(local(broken), net=2_000, channel="web")
    await history.tell(handler)
    return history
