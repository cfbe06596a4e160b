"""GetChurnRisk of a running service against a naive recount of the very purchases."""

from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from math import prod
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from tickettoken.customers.v1 import churn_pb2

from tests.customers.churn.conftest import BOTH, ZONES
from tests.metrics.serving import bad_fields, refused

# Grain: customer at a place.
STORED = "select customer_id, venue_id, probability from customer_churn where tenant_id = $1"


def asking(client, **fields):
    request = churn_pb2.GetChurnRiskRequest(**fields)
    return client.analytics.GetChurnRisk(request, metadata=client.metadata)


async def every_page(client, **fields):
    """All customers of a list, page by page, and its first page."""
    first = page = await asking(client, **fields)
    found = list(page.customers)
    while page.next_page_token:
        page = await asking(client, page_token=page.next_page_token, **fields)
        assert page.customers
        found += page.customers
    return found, first


def recounted(rows, venues, threshold):
    """Days of silence of each customer at risk, and how many customers there are."""
    least = {}
    for row in rows:
        if row.venue in venues and row.count:
            zone = ZoneInfo(ZONES[row.venue])
            days = (datetime.now(zone).date() - row.sold_at.astimezone(zone).date()).days
            least[row.customer] = min(days, least.get(row.customer, days))
    return {who: days for who, days in least.items() if days >= threshold}, len(least)


def last_purchases(rows, venues):
    last = {}
    for row in rows:
        if row.venue in venues:
            last[row.customer] = max(row.sold_at, last.get(row.customer, row.sold_at))
    return last


@pytest.fixture
async def stored(as_admin, town):
    """Probabilities by customer, by place."""
    places = defaultdict(dict)
    for row in await as_admin.fetch(STORED, town.tenant_id):
        places[row["venue_id"]][row["customer_id"]] = row["probability"]
    return places


async def test_customers_at_risk_of_a_venue_and_of_the_tenant(town_client, town, stored):
    for venues, place, fields in (
        ((0,), town.venue_ids[0], {"venue_id": str(town.venue_ids[0]), "threshold": 120}),
        ((0, 1), UUID(int=0), {}),
    ):
        threshold = fields.get("threshold", 90)
        found, first = await every_page(town_client, page_size=70, **fields)

        silent, count = recounted(town.rows, venues, threshold)
        assert {UUID(one.customer_id): one.days_since_last_purchase for one in found} == silent
        assert len(found) == len(silent) == first.at_risk_count
        assert (first.customer_count, first.threshold) == (count, threshold)
        assert first.at_risk_ratio == len(silent) / count
        assert (first.horizon_days, first.stored_horizon_days) == (90, 90)
        assert {
            UUID(one.customer_id): one.churn_probability for one in found if one.HasField("churn_probability")
        } == {who: stored[place][who] for who in silent if who in stored[place]}
        last = last_purchases(town.rows, venues)
        order = sorted(silent, key=lambda who: (-stored[place].get(who, -1), last[who], who))
        assert [UUID(one.customer_id) for one in found] == order


async def test_money_is_told_by_currency_and_purchases_are_counted(town_client, town):
    found, _ = await every_page(town_client, page_size=1000)

    own = [row for row in town.rows if row.customer == BOTH]
    (both,) = [one for one in found if one.customer_id == str(BOTH)]
    assert both.order_count == len(own) == 3
    assert [(one.currency, one.amount_minor) for one in both.spends] == [("EUR", 400), ("USD", 900)]
    assert both.last_purchase_time.ToDatetime(UTC) == max(row.sold_at for row in own)


async def test_another_horizon_changes_what_is_shown_and_not_the_order(town_client, town):
    where = {"venue_id": str(town.venue_ids[0]), "page_size": 1000}

    usual = await asking(town_client, **where)
    year = await asking(town_client, horizon_days=365, **where)

    assert [one.customer_id for one in year.customers] == [one.customer_id for one in usual.customers]
    assert (year.horizon_days, year.stored_horizon_days) == (365, 90)
    for one in year.customers[::40]:
        request = churn_pb2.PredictChurnRequest(
            venue_id=str(town.venue_ids[0]), customer_id=one.customer_id, horizon_days=365
        )
        alone = await town_client.predictions.PredictChurn(request, metadata=town_client.metadata)
        assert one.churn_probability == pytest.approx(alone.churn_probability)
        assert one.model == alone.model


async def test_a_grant_of_several_venues_multiplies_their_own_probabilities(customers_process, town, stored):
    async with customers_process.client(town.tenant_id, venue_ids=town.venue_ids) as granted:
        found, first = await every_page(granted, page_size=1000)
        other = await asking(granted, page_size=1000, horizon_days=30)

    silent, count = recounted(town.rows, (0, 1), 90)
    own = defaultdict(set)
    for row in town.rows:
        own[row.customer].add(town.venue_ids[row.venue])
    expected = {
        who: prod(stored[venue][who] for venue in own[who])
        for who in silent
        if all(who in stored[venue] for venue in own[who])
    }
    chances = {
        UUID(one.customer_id): one.churn_probability for one in found if one.HasField("churn_probability")
    }
    assert chances == pytest.approx(expected)
    assert expected[BOTH] < min(stored[venue][BOTH] for venue in town.venue_ids)
    assert (first.at_risk_count, first.customer_count) == (len(silent), count)
    ranks = list(chances.values())
    assert all(later <= before + 1e-12 for before, later in pairwise(ranks))
    assert all(one.HasField("churn_probability") for one in other.customers)


async def test_a_grant_of_one_venue_tells_nothing_of_the_others(customers_process, town, stored):
    async with customers_process.client(town.tenant_id, venue_ids=[town.venue_ids[1]]) as granted:
        found, first = await every_page(granted, page_size=1000)
        refusal = await refused(asking(granted, venue_id=str(town.venue_ids[0])))

    silent, count = recounted(town.rows, (1,), 90)
    assert {UUID(one.customer_id) for one in found} == set(silent)
    assert first.customer_count == count
    (both,) = [one for one in found if one.customer_id == str(BOTH)]
    assert [(one.currency, one.amount_minor) for one in both.spends] == [("USD", 900)]
    assert both.churn_probability == stored[town.venue_ids[1]][BOTH]
    assert refusal == ("NOT_FOUND", "VENUE_NOT_FOUND")


async def test_the_terms_of_a_list_have_bounds(town_client, town):
    page = await asking(town_client, page_size=1)

    for field, name, values in (
        ("threshold", "threshold", (0, 366)),
        ("horizon_days", "horizonDays", (0, 366)),
        ("venue_id", "venueId", ("x",)),
        ("page_size", "pageSize", (-1,)),
        ("page_token", "pageToken", ("x",)),
    ):
        for value in values:
            assert await bad_fields(asking(town_client, **{field: value})) == [name]
    other = asking(town_client, page_token=page.next_page_token, threshold=7)
    assert await refused(other) == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")
    assert await refused(asking(town_client, venue_id=str(uuid4()))) == ("NOT_FOUND", "VENUE_NOT_FOUND")
