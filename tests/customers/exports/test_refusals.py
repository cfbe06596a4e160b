"""Exports that are refused, each with its reason."""

from uuid import uuid4

import pytest

from tests.customers.exports.asking import ALWAYS, asked
from tests.metrics.serving import bad_fields, refused


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("window", asked("purchases")),
        ("window.endTime", asked("customers", tuple(reversed(ALWAYS)))),
        ("dataset", asked("orders", ALWAYS)),
        ("limit", asked("customers", limit=0)),
        ("columns[0]", asked("scores", columns=["email"])),
    ],
)
async def test_requests_that_break_a_rule_are_refused(as_service, field, request_):
    async with as_service(uuid4()) as client:
        fields = await bad_fields(client.customers.ExportRows(request_, metadata=client.metadata).read())

    assert fields == [field]


async def test_foreign_and_ungranted_venues_are_not_found_and_users_are_refused(
    as_service, customers_process, history
):
    venue, other = history.venues[:2]

    async def answer(client):
        async with client:
            request = asked("customers", venue_id=str(venue))
            return await refused(client.customers.ExportRows(request, metadata=client.metadata).read())

    assert await answer(as_service(uuid4())) == ("NOT_FOUND", "VENUE_NOT_FOUND")
    assert await answer(as_service(history.tenant, venues=[other])) == ("NOT_FOUND", "VENUE_NOT_FOUND")
    assert (await answer(customers_process.client(history.tenant)))[0] == "PERMISSION_DENIED"
