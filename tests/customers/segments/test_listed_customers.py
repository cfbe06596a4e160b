"""Lists of a venue's customers as the running service pages, filters and masks them."""

import pytest
from tickettoken.customers.v1 import segments_pb2

from deploy.local.credentials import PERMISSIONS
from tests.customers.rfm import comparing
from tests.metrics.serving import refused

WITHOUT_PII = frozenset(PERMISSIONS) - {"analytics.pii"}
ORDERS = {
    "spend": lambda one: one["spend"],
    "recency": lambda one: one["last"],
    "frequency": lambda one: one["orders"],
    "churn": lambda one: 0,
    "clv": lambda one: 0,
}


@pytest.mark.parametrize("order_by", ORDERS)
async def test_customers_come_page_by_page_in_the_order_asked_for(client, season, order_by):
    venue = season.venues[0]
    people, scores = season.at(venue)
    last = {}
    for of_venue, person, sold_at, *_ in season.rows:
        if of_venue == venue:
            last[person] = max(last.get(person, sold_at), sold_at)
    request = segments_pb2.ListVenueCustomersRequest(venue_id=str(venue), order_by=order_by, page_size=3)

    found = []
    while True:
        page = await client.insights.ListVenueCustomers(request, metadata=client.metadata)
        assert len(page.customers) <= 3
        found += page.customers
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token

    key = ORDERS[order_by]
    expected = sorted(people, key=lambda who: (key(people[who] | {"last": last[who]}), who), reverse=True)
    assert [one.customer_id for one in found] == [str(who) for who in expected]
    assert [one.scores.segment for one in found] == [scores[who][3] for who in expected]
    assert not found[0].HasField("churn_probability")


async def test_lists_are_filtered_and_masked_for_those_who_may_not_see_people(
    client, customers_process, season
):
    venue = season.venues[0]
    people, _ = season.at(venue)
    today = comparing.today_at(season.zones, season.now)
    request = segments_pb2.ListVenueCustomersRequest(
        venue_id=str(venue), min_spend=2_500, max_days_since_purchase=200
    )

    shown = await client.insights.ListVenueCustomers(request, metadata=client.metadata)
    async with customers_process.client(season.tenant, permissions=WITHOUT_PII) as narrow:
        masked = await narrow.insights.ListVenueCustomers(request, metadata=narrow.metadata)

    expected = {
        str(who) for who, one in people.items() if one["spend"] >= 2_500 and (today - one["day"]).days <= 200
    }
    assert {one.customer_id for one in shown.customers} == expected
    assert all(one.identity.name.startswith("Ada Byron") for one in shown.customers)
    assert {one.customer_id for one in masked.customers} == expected
    assert not any("Byron" in str(one) or "ada" in one.identity.email for one in masked.customers)
    assert all(one.identity.is_masked for one in masked.customers)
    wrong = segments_pb2.ListVenueCustomersRequest(venue_id=str(venue), segment="nobody")
    assert await refused(client.insights.ListVenueCustomers(wrong, metadata=client.metadata)) == (
        "NOT_FOUND",
        "SEGMENT_NOT_FOUND",
    )
