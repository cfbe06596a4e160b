"""Pages of silent customers, by what runs left and by all purchases, against a plain loop over purchases."""

import random
from collections import defaultdict
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from libs.common.bus.consumer import in_transaction, service_caller
from libs.common.bus.port import DONE, Delivery
from libs.common.context import TenantScope, acting_as
from services.customers.churn.foretold_store import select_foretold
from services.customers.churn.risk_store import select_of_everyone, select_silent
from services.customers.churn.silent_days import silent_since
from services.customers.models.entry import WHOLE_TENANT
from services.customers.read_models.consumer import QUEUE, ReadModels
from tests.customers.rfm.town import Town

STANDING = """
select customer_id, venue_id, sold_at from purchases where tenant_id = $1 and order_count = 1
"""
FORETELL = """
insert into customer_churn (tenant_id, venue_id, customer_id, probability, horizon_days, model, computed_at,
                            newest_fact_at)
values ($1, $2, $3, $4, 90, 'any', now(), now())
"""


class Houses:
    """A town with scores and probabilities, whose days go on after the runs."""

    def __init__(self, database, as_admin, seed):
        self.database, self.as_admin, self.town = database, as_admin, Town(seed, people=120)
        self.tenant, self.random = self.town.tenant, random.Random(seed)
        self.chances = defaultdict(dict)

    async def apply(self, handler, events):
        for start in range(0, len(events), 200):
            deliveries = [Delivery(event, 1) for event in events[start : start + 200]]
            assert set(await handler(deliveries)) == {DONE}

    async def foretell(self):
        """Few probabilities, so that many are alike; nothing of some people."""
        for place in (*self.town.venues, WHOLE_TENANT):
            for person in self.random.sample(self.town.people, 100):
                chance = self.random.choice((0.1, 0.5, 0.6, 0.7, 0.8, 0.9))
                self.chances[place][person] = chance
                await self.as_admin.execute(FORETELL, self.tenant, place, person, chance)

    def since(self, place, threshold):
        now = datetime.now(UTC)
        venues = self.town.venues if place == WHOLE_TENANT else [place]
        return [(one, silent_since(now, ZoneInfo(self.town.zones[one]), threshold)) for one in venues]

    async def expected(self, place, threshold):
        """Silent customers in their order, and how many customers there are."""
        since = dict(self.since(place, threshold))
        last, silent = {}, {}
        for row in await self.as_admin.fetch(STANDING, self.tenant):
            if row["venue_id"] in since:
                who, sold_at = row["customer_id"], row["sold_at"]
                last[who] = max(last.get(who, sold_at), sold_at)
                silent[who] = silent.get(who, True) and sold_at < since[row["venue_id"]]
        chance = self.chances[place]
        order = sorted((-chance.get(who, -1), last[who], who) for who in last if silent[who])
        return [(who, at, -rank) for rank, at, who in order], len(last)

    async def pages(self, select, place, threshold, size=3):
        """All pages of `select`."""
        found, counts, after = [], set(), None
        async with self.database.transaction(TenantScope(self.tenant)) as conn:
            while True:
                since = self.since(place, threshold)
                page = await select(conn, self.tenant, since, place, after=after, limit=size)
                if page is None or not page.customers:
                    return found, counts
                found += [(one.customer_id, one.last_purchase_at, one.rank) for one in page.customers]
                counts.add((page.silent_count, page.customer_count))
                after = (found[-1][2], found[-1][1], found[-1][0])

    async def assert_told(self, *, are_counted):
        for place in (*self.town.venues, WHOLE_TENANT):
            for threshold in (1, 60, 300):
                silent, count = await self.expected(place, threshold)
                expected = (silent, {(len(silent), count)})
                assert await self.pages(select_silent, place, threshold) == expected
                assert await self.pages(select_of_everyone, place, threshold, size=100) == expected
                by_runs, counts = await self.pages(select_foretold, place, threshold)
                assert by_runs == silent[: len(by_runs)]
                assert counts == ({(len(silent), count)} if are_counted else set())


@pytest.fixture
def score(scoring_runs):
    async def score(tenant, as_of):
        with acting_as(service_caller("customers", tenant)):
            await scoring_runs.run(TenantScope(tenant), as_of=as_of)

    return score


@pytest.fixture
def marking(database, venues, cache, tombstones):
    """A handler after which scores do not follow: marks stay."""
    models = ReadModels(database, venues, cache, tombstones)
    return in_transaction(database, service="customers", queue=QUEUE, apply=models.apply)


async def test_pages_and_counts_follow_purchases_whether_scores_do_or_not(
    database, as_admin, handler, marking, score
):
    houses = Houses(database, as_admin, 11)
    await houses.apply(handler, houses.town.events)
    await score(houses.tenant, datetime.now(UTC))
    await houses.foretell()
    await houses.assert_told(are_counted=True)

    await houses.apply(handler, houses.town.day_passes(datetime.now(UTC)))
    await houses.assert_told(are_counted=True)

    await houses.apply(marking, houses.town.day_passes(datetime.now(UTC)))
    assert await as_admin.fetchval("select count(*) from rfm_pending where tenant_id = $1", houses.tenant)
    await houses.assert_told(are_counted=True)


async def test_what_scores_have_not_counted_since_facts_were_made_anew_is_counted_from_purchases(
    database, as_admin, handler, score
):
    houses = Houses(database, as_admin, 12)
    await houses.apply(handler, houses.town.events)
    await houses.foretell()
    await houses.assert_told(are_counted=False)

    await score(houses.tenant, datetime.now(UTC))
    await as_admin.execute("update rfm_runs set counted_at = null where tenant_id = $1", houses.tenant)
    await houses.assert_told(are_counted=False)


async def test_of_equal_probabilities_that_are_not_all_looked_at_nobody_is_told(
    database, as_admin, handler, score
):
    houses = Houses(database, as_admin, 13)
    await houses.apply(handler, houses.town.events)
    await score(houses.tenant, datetime.now(UTC))
    await houses.foretell()
    silent, _ = await houses.expected(WHOLE_TENANT, 1)

    for most, least_told in ((7, 0), (40, 3), (100, 9)):
        told, _ = await houses.pages(partial(select_foretold, most=most), WHOLE_TENANT, 1)
        assert told == silent[: len(told)]
        assert len(told) >= least_told
