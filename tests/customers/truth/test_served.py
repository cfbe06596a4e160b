"""Whole ways, from the events of a house to answers, compared with what is true of it."""

from dataclasses import replace
from datetime import datetime, time
from uuid import UUID

import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from tickettoken.customers.v1 import attribution_pb2, profile_pb2

from deploy.local.simulator.disorder import disordered
from deploy.local.simulator.events import built
from deploy.local.simulator.patrons.events import patron_timeline
from deploy.local.simulator.patrons.playing import play
from deploy.local.simulator.patrons.profiles import FULL, QUIET
from deploy.local.simulator.patrons.truth import PatronTruth
from deploy.local.simulator.world import Ids
from libs.common.bus.consumer import service_caller
from libs.common.bus.port import DONE, Delivery
from libs.common.context import TenantScope, acting_as
from services.customers.churn.options import ChurnOptions
from services.customers.churn.reader import ChurnReader
from services.customers.churn.runs import ChurnRuns
from services.customers.cohorts.reader import CohortReader
from services.customers.insights.gathering import Gathering
from services.customers.insights.generators.registry import find
from services.customers.lifetime.runs import LifetimeRuns, RunOptions
from services.customers.segments.members import Members
from services.customers.touchpoints.consumer import Touchpoints
from services.customers.touchpoints.store import TouchpointStore
from tests.customers.truth.conftest import ANCHOR
from tests.customers.truth.naive_facts import NaiveFacts

pytestmark = pytest.mark.timeout(300)  # thousands of events are told, and models fitted to them

TENANT = UUID("66666666-6666-4666-8666-666666666667")
CLEAR = tuple(replace(one, contacts_per_year=6, effect=2 * one.effect) for one in FULL.channels)
"""Effects that a house of some hundred patrons tells apart."""
SOME = replace(FULL, joins_per_week=6, open_days=364, channels=CLEAR, scanned_days=0)
QUIET_AND_SMALL = replace(QUIET, founders=[(habit, 40) for habit, _ in QUIET.founders], joins_per_week=8)


@pytest.fixture
def tell(handler, mongo, hiding, cache):
    """Delivers a house's events in disorder, each to its queue."""
    touchpoints = Touchpoints(TouchpointStore(mongo), hiding, cache).handler()

    async def tell(house):
        pending = disordered(
            patron_timeline(house), seed=1, late_ratio=0.05, duplicate_ratio=0.05, shuffle_window=300
        )
        events = built(pending)
        for place in (True, False):
            queue = [one for one in events if (one.type == "campaign.touchpoint") == place]
            for start in range(0, len(queue), 500):
                batch = [Delivery(event, 1) for event in queue[start : start + 500]]
                assert set(await (touchpoints if place else handler)(batch)) == {DONE}

    return tell


async def test_answers_about_a_house_are_the_truth(tell, database, cache, customers_process):
    house = play(Ids(TENANT, 11), SOME, ANCHOR)
    truth = PatronTruth(house)

    await tell(house)

    async with customers_process.client(TENANT) as client:
        for model in ("data_driven", "shapley"):
            assert await ranked_channels(client, house, model) == ["search", "email", "social"]
        for patron in house.patrons[::40]:
            await same_profile(client, house, patron)
    await churn_tells_who_is_lost(database, cache, house, truth)


async def ranked_channels(client, house, model):
    """The first channels by credit of all paths that the house told."""
    request = attribution_pb2.GetChannelPerformanceRequest(venue_id=str(house.venue.id), model=model)
    request.start_date.FromDatetime(house.since)
    request.end_date.FromDatetime(house.until)
    answer = await client.campaigns.GetChannelPerformance(request, metadata=client.metadata, timeout=60)
    assert sum(channel.credit.conversions for channel in answer.channels) == pytest.approx(
        answer.journeys.conversion_count
    )
    ranked = sorted(answer.channels, key=lambda channel: -channel.credit.conversions)
    return [channel.channel for channel in ranked[:3]]


async def same_profile(client, house, patron):
    request = profile_pb2.GetCustomerProfileRequest(
        venue_id=str(house.venue.id), customer_id=str(patron.customer.id)
    )
    profile = (await client.customers.GetCustomerProfile(request, metadata=client.metadata)).profile
    own = [order for order in house.season.orders if order.customer.id == patron.customer.id]
    (totals,) = profile.totals
    assert totals.order_count == len(own)
    assert totals.ticket_count == sum(order.ticket_count for order in own)
    assert totals.spend.amount_minor == sum(order.gross_minor for order in own)
    assert profile.last_purchase_time == stamp(max(order.sold_at for order in own))
    assert profile.identity.name == patron.customer.name
    assert profile.marketing_consent == patron.has_consented


async def churn_tells_who_is_lost(database, cache, house, truth):
    """What a nightly run stores lies nearer to the true chances than one chance for all."""
    scope, ids = TenantScope(TENANT), list(truth.patrons)
    with acting_as(service_caller("customers", TENANT)):
        await LifetimeRuns(database, cache, RunOptions(least_repeaters=30)).run(scope, as_of=house.until)
        await ChurnRuns(database, cache, Members(), ChurnOptions(horizon_days=91)).run(
            scope, as_of=house.until
        )
    found = await ChurnReader(database).probabilities(scope, ids, venue_id=house.venue.id)
    foretold = np.array([found[one].probability for one in ids])
    true = np.array([1 - truth.chance_to_buy(one, house.until, 91) for one in ids])
    lost = np.array([truth.is_lost(one, house.until) for one in ids])
    assert np.mean((foretold - true) ** 2) < 0.5 * np.mean((true.mean() - true) ** 2)
    assert foretold[lost].mean() > foretold[~lost].mean() + 0.3


def stamp(moment):
    made = Timestamp()
    made.FromDatetime(moment)
    return made


async def test_a_quiet_house_is_gathered_as_it_was_and_finds_nothing(tell, database, venues):
    tenant_id = UUID("66666666-6666-4666-8666-666666666668")
    house = play(Ids(tenant_id, 11), QUIET_AND_SMALL, ANCHOR)
    naive = NaiveFacts(house).facts()
    now = datetime.combine(ANCHOR, time(10), house.venue.zone)

    await tell(house)

    known = await venues.require(TenantScope(tenant_id), [house.venue.id])
    gathering = Gathering(database, CohortReader(database))
    gathered = await gathering.gather(TenantScope(tenant_id), known[house.venue.id], now)
    assert gathered.newest_fact_at is not None
    for name in ("days", "shows", "doors", "type_sales"):
        assert sorted(getattr(gathered.facts, name), key=repr) == sorted(getattr(naive, name), key=repr)
    assert gathered.facts.regulars == naive.regulars
    assert gathered.facts.list_prices == naive.list_prices
    assert [told(cohort) for cohort in gathered.facts.cohorts] == [told(one) for one in naive.cohorts]
    assert find(gathered.facts, gathered.silence).findings == []


def told(cohort):
    return (cohort.start, cohort.size, [(cell.customer_count, cell.is_running) for cell in cohort.cells])
