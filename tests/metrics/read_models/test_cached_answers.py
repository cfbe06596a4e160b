"""A batch ends the answers that it changes, and no others."""

from datetime import timedelta
from uuid import uuid4

import pytest

from libs.common.bus.consumer import service_caller
from libs.common.bus.port import DONE, Delivery
from libs.common.context import acting_as
from services.metrics.namespaces import ANY_TOPIC, Topic, namespace
from tests.platform import events as make

EVERYTHING = {*Topic, ANY_TOPIC}


class Platform:
    """A tenant whose events are applied, and whose answers are cached."""

    def __init__(self, handler, cache):
        self.tenant_id, self.hall, self.club, self.show = uuid4(), uuid4(), uuid4(), uuid4()
        self._handler = handler
        self._cache = cache
        self._answers = 0

    async def apply(self, *events):
        settlements = await self._handler([Delivery(event, 1) for event in events])
        assert all(settlement == DONE for settlement in settlements), settlements

    async def ended_by(self, *events):
        """Topics whose cached answers the events end: by venue, and None for all venues together."""
        places = {(topic, venue) for topic in EVERYTHING for venue in (None, self.hall, self.club)}
        before = {place: await self._ask(*place) for place in places}
        await self.apply(*events)
        return {place for place in places if await self._ask(*place) != before[place]}

    async def _ask(self, topic, venue_id):
        async def compute():
            self._answers += 1
            return str(self._answers).encode()

        with acting_as(service_caller("metrics", self.tenant_id)):
            return await self._cache.get_or_compute(
                namespace(topic, venue_id), "question", timedelta(minutes=5), compute
            )


def at(venue_id, *topics):
    return {(topic, place) for topic in (*topics, ANY_TOPIC) for place in (None, venue_id)}


@pytest.fixture
async def platform(handler, cache):
    """A show in the hall is known, and that there is a club."""
    platform = Platform(handler, cache)
    tenant_id = platform.tenant_id
    await platform.apply(
        make.venue_updated(tenant_id, platform.hall),
        make.venue_updated(tenant_id, platform.club),
        make.event_created(tenant_id, platform.hall, platform.show, name="Gala"),
    )
    return platform


async def test_a_page_view_ends_answers_about_visits_alone(platform):
    view = make.page_viewed(platform.tenant_id, platform.hall, "session", show=platform.show)

    assert await platform.ended_by(view) == at(platform.hall, Topic.VISITS)


async def test_a_sale_ends_answers_about_revenue_capacity_visits_and_tickets(platform):
    sale = make.order_completed(
        platform.tenant_id, platform.hall, uuid4(), lines=[(2, 1000)], show=platform.show
    )

    ended = await platform.ended_by(sale)

    assert ended == at(platform.hall, Topic.REVENUE, Topic.CAPACITY, Topic.VISITS, Topic.TICKETS)


async def test_a_scan_ends_answers_about_tickets_and_visits(platform):
    scan = make.ticket_scanned(platform.tenant_id, platform.hall, uuid4(), show=platform.show)

    assert await platform.ended_by(scan) == at(platform.hall, Topic.TICKETS, Topic.VISITS)


async def test_an_offer_ends_answers_about_the_secondary_market_tickets_and_visits(platform):
    offer = make.ticket_listed(platform.tenant_id, platform.hall, show=platform.show)

    ended = await platform.ended_by(offer)

    assert ended == at(platform.hall, Topic.MARKETPLACE, Topic.TICKETS, Topic.VISITS)


async def test_a_fact_about_a_show_nobody_has_told_about_ends_all_answers_of_its_venue(platform):
    view = make.page_viewed(platform.tenant_id, platform.hall, "session", show=uuid4())

    assert await platform.ended_by(view) == at(platform.hall, *Topic)


async def test_a_fact_of_one_venue_about_a_show_in_another_ends_all_answers_of_the_shows_venue(platform):
    elsewhere = make.page_viewed(platform.tenant_id, platform.club, "session", show=platform.show)
    there = make.page_viewed(platform.tenant_id, platform.hall, "session", show=platform.show)

    ended = await platform.ended_by(elsewhere, there)

    assert ended == at(platform.hall, *Topic) | at(platform.club, Topic.VISITS)


async def test_news_of_a_show_end_all_answers_of_its_venue_and_of_the_one_before(platform):
    moved = make.event_updated(platform.tenant_id, platform.club, platform.show, name="Gala", version=2)

    assert await platform.ended_by(moved) == at(platform.hall, *Topic) | at(platform.club, *Topic)
