"""Facts of a question are read in parts, and no more of them than may be."""

from contextlib import aclosing
from datetime import timedelta
from uuid import uuid4

import pytest

from libs.common.buckets import microseconds
from libs.common.bus.consumer import service_caller
from libs.common.bus.port import DONE, Delivery
from libs.common.context import TenantScope, acting_as
from services.customers.attribution.collecting import Collecting
from services.customers.behavior.consumer import Behavior
from services.customers.behavior.reader import BehaviorReader
from services.customers.behavior.store import BehaviorStore
from services.customers.errors import TooManyTouchpoints
from services.customers.touchpoints.reader import TouchpointReader
from services.customers.touchpoints.store import TouchpointStore
from tests.customers.marketing import NOON
from tests.platform import events as make

PERIOD = range(microseconds(NOON - timedelta(days=1)), microseconds(NOON + timedelta(days=1)))


@pytest.fixture
def behavior(mongo):
    return BehaviorStore(mongo, kept=timedelta(days=4_000))


@pytest.fixture
async def shared_session(marketing, behavior, hiding):
    """A touchpoint of nobody in a session in which six people signed in."""
    await marketing.told(marketing.met("social", session_id="family"))
    views = []
    for _ in range(6):
        view = make.page_viewed(marketing.tenant_id, marketing.venue_id, "family", at=NOON)
        view.page_viewed.customer_id = str(uuid4())
        views.append(Delivery(view, 1))
    assert set(await Behavior(behavior, hiding).handler()(views)) == {DONE}
    return marketing


async def test_people_who_are_known_in_sessions_count_among_the_facts(
    database, mongo, behavior, shared_session
):
    venue = shared_session

    async def named(most):
        touchpoints = TouchpointReader(TouchpointStore(mongo))
        collecting = Collecting(database, touchpoints, BehaviorReader(behavior), most=most)
        with acting_as(service_caller("customers", venue.tenant_id)):
            facts = await collecting.facts(TenantScope(venue.tenant_id), venue.venue_id, PERIOD, 1, None)
        return len(list(facts.named()))

    assert await named(7) == 6
    with pytest.raises(TooManyTouchpoints):
        await named(6)


async def test_of_their_sessions_only_what_names_them_is_read(behavior, shared_session):
    with acting_as(service_caller("customers", shared_session.tenant_id)):
        async with aclosing(behavior.visitors(shared_session.venue_id, ["family", "none"])) as batches:
            documents = [document async for batch in batches for document in batch]

    assert len(documents) == 6
    assert {frozenset(document) for document in documents} == {
        frozenset({"session_id", "customer_id", "first_microseconds"})
    }
