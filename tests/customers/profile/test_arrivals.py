"""What arrived, by the consumer or over the bus, is found and told by the running service."""

from datetime import timedelta
from uuid import uuid4

import grpc
import pytest

from libs.common.bus import open_bus
from tests.customers.people.shoppers import NOW, bought, by, registered
from tests.customers.profile.asking import Asking
from tests.metrics.serving import eventually_equal
from tests.platform import events as make


async def test_a_journey_is_told_by_the_running_service(customers_process, house):
    tenant, venue, _, person = house
    async with customers_process.client(tenant) as client:
        answer = await Asking(client, venue, person).ask("journey")

    assert [entry.kind for entry in answer.entries] == ["order", "order", "session", "order"]


@pytest.mark.usefixtures("working_process")
async def test_what_arrives_by_the_bus_is_found_and_told(customers_process, redis_url):
    tenant, venue, person = uuid4(), uuid4(), uuid4()
    bus = open_bus(redis_url)
    try:
        async with customers_process.client(tenant) as client:
            await bus.publish(
                [
                    by(make.page_viewed(tenant, venue, "s", page="/", at=NOW - timedelta(hours=2)), person),
                    bought(tenant, venue, person, at=NOW - timedelta(hours=1)),
                    registered(tenant, person, at=NOW, name="Ottilie Busfahrer"),
                ]
            )

            async def told():
                try:
                    found = await Asking(client, venue, person, "ott busf").ask("search")
                    journey = await Asking(client, venue, person).ask("journey")
                except grpc.aio.AioRpcError:
                    return None
                return (
                    [match.customer_id for match in found.customers],
                    [entry.kind for entry in journey.entries],
                )

            assert await eventually_equal(told, ([str(person)], ["order", "session"]), within_seconds=30)
    finally:
        await bus.close()
