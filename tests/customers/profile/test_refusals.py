"""Questions about a customer that are refused, each with its reason."""

from uuid import uuid4

import pytest
from tickettoken.customers.v1 import journey_pb2

from tests.customers.people.shoppers import NOW, bought, record
from tests.customers.profile.asking import Asking
from tests.metrics.serving import bad_fields, refused


@pytest.mark.parametrize("method", ["profile", "journey", "search"])
async def test_another_tenants_or_an_ungranted_venue_is_not_found(customers_process, house, method):
    tenant, venue, _, person = house
    for who, grant in ((uuid4(), None), (tenant, [uuid4()])):
        async with customers_process.client(who, venue_ids=grant) as client:
            assert await refused(Asking(client, venue, person).ask(method)) == (
                "NOT_FOUND",
                "VENUE_NOT_FOUND",
            )


@pytest.mark.parametrize("method", ["user_profile", "user_preferences"])
async def test_another_tenants_or_an_ungranted_venues_customer_is_not_found(customers_process, house, method):
    tenant, venue, _, person = house
    for who, grant in ((uuid4(), None), (tenant, [uuid4()])):
        async with customers_process.client(who, venue_ids=grant) as client:
            refusal = await refused(Asking(client, venue, person).ask(method))
            assert refusal == ("NOT_FOUND", "CUSTOMER_NOT_FOUND")


@pytest.mark.parametrize("method", ["profile", "journey"])
async def test_a_customer_of_another_venue_is_not_found(customers_process, house, handler, method):
    tenant, _, other, _ = house
    stranger = uuid4()
    await record(handler, [bought(tenant, uuid4(), stranger)])
    async with customers_process.client(tenant) as client:
        refusal = await refused(Asking(client, other, stranger).ask(method))

    assert refusal == ("NOT_FOUND", "CUSTOMER_NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "field", "value", "named"),
    [
        ("profile", "customer_id", "me", "customerId"),
        ("journey", "venue_id", "hall", "venueId"),
        ("journey", "page_size", -1, "pageSize"),
        ("search", "q", "", "q"),
        ("search", "q", "?!", "q"),
        ("search", "segment", "Can't Lose", "segment"),
        ("user_profile", "user_id", "1", "userId"),
        ("user_preferences", "user_id", "", "userId"),
    ],
)
async def test_bad_fields_are_named(customers_process, house, method, field, value, named):
    tenant, venue, _, person = house
    async with customers_process.client(tenant) as client:
        assert await bad_fields(Asking(client, venue, person).ask(method, **{field: value})) == [named]


@pytest.mark.parametrize("method", ["journey", "search"])
async def test_a_made_up_page_token_is_refused(customers_process, house, method):
    tenant, venue, _, person = house
    async with customers_process.client(tenant) as client:
        refusal = await refused(Asking(client, venue, person).ask(method, page_token="made-up"))

    assert refusal == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")


async def test_a_window_that_ends_before_it_starts_is_refused(customers_process, house):
    tenant, venue, _, person = house
    request = journey_pb2.GetCustomerJourneyRequest(venue_id=str(venue), customer_id=str(person))
    request.start_date.FromDatetime(NOW)
    request.end_date.FromDatetime(NOW)
    async with customers_process.client(tenant) as client:
        call = client.customers.GetCustomerJourney(request, metadata=client.metadata)
        assert await bad_fields(call) == ["endDate"]
