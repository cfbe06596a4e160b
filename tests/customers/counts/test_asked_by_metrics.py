"""The dashboard's customers: the metrics service asks the customers service for them."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import grpc
import pytest
from tickettoken.common.v1 import time_pb2
from tickettoken.customers.v1 import counts_pb2
from tickettoken.metrics.v1 import ingest_service_pb2, overview_pb2, query_pb2

from deploy.local.ports import free_port
from libs.common.buckets import Window
from libs.common.context import TenantScope
from libs.common.errors import DependencyTimedOut, DependencyUnavailable
from services.metrics.customers_port import CustomersService
from tests.metrics.process import MetricsProcess
from tests.metrics.serving import eventually_equal, refused
from tests.platform import events as make

DAY = timedelta(days=1)
BOTH = {"activeCount": 2, "newCount": 1, "returningCount": 1}


@pytest.fixture(scope="module")
async def metrics_process(postgres_server, redis_url, mongo_url, customers_process):
    """A metrics service that knows where the customers service is."""
    service = await postgres_server.create_database("metrics", migrated=True)
    process = MetricsProcess(
        customers_process.folder,
        service,
        redis_url=redis_url,
        mongo_url=mongo_url,
        customers_target=f"127.0.0.1:{customers_process.port}",
    ).start()
    yield process
    process.stop()
    await postgres_server.drop_database(service)


class Asker:
    """A caller of both services, and a venue with one guest who came back and one who is new."""

    def __init__(self, client, now):
        self.client, self.now = client, now
        self.venue, self.elsewhere, self.old, self.new = (uuid4() for _ in range(4))

    async def publish(self):
        about = (self.client.tenant_id, self.venue)
        request = ingest_service_pb2.PublishEventsRequest(
            events=[
                make.venue_updated(*about),
                make.venue_updated(self.client.tenant_id, self.elsewhere),
                make.order_completed(*about, customer=self.old, at=self.now - 40 * DAY),
                make.order_completed(*about, customer=self.old, at=self.now - 2 * DAY),
                make.order_completed(*about, customer=self.new, at=self.now - DAY),
                make.order_completed(*about, at=self.now - DAY),
            ]
        )
        answer = await self.client.ingest.PublishEvents(request, metadata=self.client.metadata)
        assert answer.accepted_count == len(request.events)

    async def by_query(self, venue):
        request = query_pb2.ExecuteQueryRequest(metrics=["customerMetrics"])
        request.filters.venue_ids.append(str(venue))
        request.time_range.start.FromDatetime(self.now - 7 * DAY)
        request.time_range.end.FromDatetime(self.now)
        answer = await self.client.analytics.ExecuteQuery(request, metadata=self.client.metadata)
        (row,) = answer.results[0].rows
        return dict(row.figures)

    async def known(self):
        """What is told about the first venue; nothing while the other service does not know it yet."""
        try:
            return await self.by_query(self.venue)
        except grpc.aio.AioRpcError:
            return None

    async def by_dashboard(self, venue, metadata=None):
        request = overview_pb2.GetDashboardDataRequest(venue_id=str(venue), period="30d")
        return await self.client.analytics.GetDashboardData(
            request, metadata=metadata or self.client.metadata
        )


@pytest.mark.usefixtures("working_process")
async def test_dashboard_and_queries_tell_customers_of_the_other_service(metrics_process):
    async with metrics_process.client(uuid4()) as client:
        asker = Asker(client, datetime.now(UTC))
        await asker.publish()

        assert await eventually_equal(asker.known, BOTH, within_seconds=60)
        page = await asker.by_dashboard(asker.venue)
        nobody = await asker.by_query(asker.elsewhere)

    assert (page.customers.active_count, page.customers.new_count) == (2, 1)
    assert page.customers.returning_ratio == 0.5
    assert list(page.unavailable_parts) == []
    assert nobody == dict.fromkeys(BOTH, 0)


@pytest.mark.usefixtures("working_process")
async def test_the_callers_grant_goes_along(metrics_process):
    tenant = uuid4()
    async with metrics_process.client(tenant) as client:
        asker = Asker(client, datetime.now(UTC))
        await asker.publish()
        assert await eventually_equal(asker.known, BOTH, within_seconds=60)
        page_of_all = await asker.by_dashboard("")
        async with metrics_process.client(tenant, venue_ids=[asker.elsewhere]) as granted:
            page = await asker.by_dashboard("", metadata=granted.metadata)

    assert page_of_all.customers.active_count == 2
    assert (page.HasField("customers"), page.customers.active_count) == (True, 0)


async def test_only_services_may_ask_and_only_for_what_is_theirs(customers_process):
    request = counts_pb2.GetCustomerCountsRequest(window=time_pb2.Interval())
    request.window.start_time.FromDatetime(datetime(2026, 1, 1, tzinfo=UTC))
    request.window.end_time.FromDatetime(datetime(2026, 2, 1, tzinfo=UTC))
    tenant = uuid4()
    service = (("authorization", f"Bearer {customers_process.service_token(tenant)}"),)
    async with customers_process.client(tenant) as client:
        ask = client.analytics.GetCustomerCounts

        by_a_user = await refused(ask(request, metadata=client.metadata))
        answer = await ask(request, metadata=service)
        request.venue_id = str(uuid4())
        of_a_strangers_venue = await refused(ask(request, metadata=service))
        request.window.end_time.CopyFrom(request.window.start_time)
        request.venue_id = ""
        of_no_time = await refused(ask(request, metadata=service))

    assert by_a_user[0] == "PERMISSION_DENIED"
    assert answer == counts_pb2.GetCustomerCountsResponse()
    assert of_a_strangers_venue == ("NOT_FOUND", "VENUE_NOT_FOUND")
    assert of_no_time == ("INVALID_ARGUMENT", "INVALID_FIELD")


async def test_a_service_that_is_not_there_is_an_unavailable_dependency():
    now = datetime.now(UTC)
    figures = CustomersService(grpc.aio.insecure_channel(f"127.0.0.1:{free_port()}"))

    with pytest.raises(DependencyUnavailable):
        await figures.of(TenantScope(uuid4()), Window(now - DAY, now), None)

    await figures.close()


async def test_a_service_that_stays_silent_is_not_waited_for():
    now = datetime.now(UTC)
    async with await asyncio.start_server(_say_nothing, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        figures = CustomersService(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))

        with pytest.raises(DependencyTimedOut):
            await figures.of(TenantScope(uuid4()), Window(now - DAY, now), None)

        await figures.close()


async def _say_nothing(reader, writer):
    with suppress(ConnectionError):
        await reader.read()
    writer.close()
