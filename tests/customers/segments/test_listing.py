"""Pages of customers in every order, with ties and with figures that are not known, against a plain sort."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.context import TenantScope
from services.customers.segments.listing_store import Listing, select_page

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
EVERYONE = Listing("spend", None, None, None, None)

SCORE = """
insert into customer_rfm_scores (
       tenant_id, venue_id, customer_id, currency, last_purchase_at, last_purchase_day, order_count,
       spend_minor, recency_score, frequency_score, monetary_score, segment, newest_fact_at, changed_at,
       is_incremental)
values ($1, $2, $3, 'EUR', $4, $4::timestamptz::date, $5, $6, 3, 3, 3, $7, $4, $4, false)
"""
CHURN = """
insert into customer_churn (tenant_id, venue_id, customer_id, probability, horizon_days, model, computed_at,
                            newest_fact_at)
values ($1, $2, $3, $4, 90, 'any', now(), now())
"""
VALUE = """
insert into customer_lifetime_value (
       tenant_id, venue_id, customer_id, currency, is_main, basis, purchase_count, historic_minor,
       expected_minor, computed_at, newest_fact_at)
values ($1, $2, $3, $4, $5, $6, 1, 0, $7, now(), now())
"""


class Crowd:
    """Sixty people whose figures coincide often, some without a probability or a value."""

    def __init__(self):
        chance = random.Random(3)
        self.tenant, self.venue = uuid4(), uuid4()
        self.people = {}
        for _ in range(60):
            self.people[uuid4()] = {
                "recency": NOW - timedelta(days=chance.randrange(8)),
                "frequency": chance.randrange(1, 6),
                "spend": chance.randrange(8) * 1_000,
                "churn": chance.choice([None, 0.25, 0.5, 0.75]),
                "clv": chance.choice([None, 0, 4_000, 9_000]),
                "segment": chance.choice(["loyal", "lost"]),
            }

    async def put(self, as_admin):
        for who, one in self.people.items():
            for venue in (self.venue, uuid4()):
                place = (self.tenant, venue, who)
                figures = (one["recency"], one["frequency"], one["spend"], one["segment"])
                await as_admin.execute(SCORE, *place, *figures)
                if one["churn"] is not None:
                    await as_admin.execute(CHURN, *place, one["churn"])
                basis = "historic" if one["clv"] is None else "model"
                await as_admin.execute(VALUE, *place, "EUR", True, basis, one["clv"])
                await as_admin.execute(VALUE, *place, "USD", False, "model", 1_000_000)
        stranger = (self.tenant, self.venue, uuid4())
        await as_admin.execute(CHURN, *stranger, 0.9)
        await as_admin.execute(VALUE, *stranger, "EUR", True, "model", 70_000)

    def sorted(self, order_by, keep=lambda _: True):
        def rank(who):
            figure = self.people[who][order_by]
            return (figure is not None, figure or 0, who) if order_by != "recency" else (figure, who)

        return sorted((who for who, one in self.people.items() if keep(one)), key=rank, reverse=True)


@pytest.fixture
async def crowd(as_admin):
    made = Crowd()
    await made.put(as_admin)
    return made


@pytest.fixture
def listed(database, crowd):
    """All pages of a listing."""

    async def listed(listing, size):
        found, after = [], None
        async with database.transaction(TenantScope(crowd.tenant)) as conn:
            while page := await select_page(conn, (crowd.tenant, crowd.venue), listing, after, size):
                found += page
                after = (page[-1].rank, page[-1].customer_id)
        return found

    return listed


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("order_by", ["spend", "recency", "frequency", "churn", "clv"])
async def test_everyone_comes_once_in_the_order_asked_for(crowd, listed, order_by, size):
    found = await listed(replace(EVERYONE, order_by=order_by), size)

    assert [one.customer_id for one in found] == crowd.sorted(order_by)
    for one in found:
        known = crowd.people[one.customer_id]
        assert (one.churn_probability, one.expected_minor) == (known["churn"], known["clv"])
        assert one.churn_horizon_days == (None if known["churn"] is None else 90)
        assert (one.value_currency, one.newest_fact_at) == ("EUR", known["recency"])


@pytest.mark.parametrize("order_by", ["spend", "recency", "frequency", "churn", "clv"])
async def test_a_part_of_them_comes_in_the_same_order(crowd, listed, order_by):
    since = NOW - timedelta(days=5)
    some = Listing(order_by, "loyal", None, 2_000, since.date())

    found = await listed(some, 4)
    nobody = await listed(replace(some, own_segment="nobody"), 4)

    assert [one.customer_id for one in found] == crowd.sorted(
        order_by,
        lambda one: one["segment"] == "loyal" and one["spend"] >= 2_000 and one["recency"] >= since,
    )
    assert nobody == []
