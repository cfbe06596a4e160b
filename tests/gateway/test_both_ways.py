"""The same call by gRPC stub, directly and through the gateway, and by the HTTP client: equal messages."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import grpc
import pytest
from tickettoken.metrics.v1 import (
    analytics_service_pb2_grpc,
    capacity_pb2,
    ingest_service_pb2,
    live_pb2,
    metrics_service_pb2_grpc,
    realtime_service_pb2_grpc,
    recording_pb2,
    revenue_pb2,
    series_pb2,
)

from gateway.client import AnalyticsClient
from tests.platform.events import order_completed, ticket_type_updated, venue_updated

DAY = timedelta(days=1)


class Venue:
    """A venue with one sold order, inventory, and a recorded metric."""

    def __init__(self):
        self.tenant, self.id, self.show, self.tickets = uuid4(), uuid4(), uuid4(), uuid4()
        self.sold_at = datetime.now(UTC) - DAY

    def events(self):
        return [
            venue_updated(self.tenant, self.id),
            ticket_type_updated(self.tenant, self.id, self.show, self.tickets, capacity=100, held=4),
            order_completed(self.tenant, self.id, lines=((2, 1_050),), at=self.sold_at),
        ]

    def window(self, message):
        message.start_date.FromDatetime(self.sold_at - DAY)
        message.end_date.FromDatetime(self.sold_at + 3 * DAY)
        return message


@pytest.fixture
async def venue():
    return Venue()


@pytest.fixture
async def http(stack, venue):
    async with AnalyticsClient(stack.gateway_url, stack.token(venue.tenant)) as client:
        yield client


@pytest.fixture(params=["direct", "through the gateway"])
async def stubs(request, stack, venue):
    target = stack.grpc_targets["metrics"] if request.param == "direct" else stack.grpc_target
    metadata = (("authorization", f"Bearer {stack.token(venue.tenant)}"),)
    async with grpc.aio.insecure_channel(target) as channel:
        services = {
            "metrics": metrics_service_pb2_grpc.MetricsServiceStub(channel),
            "analytics": analytics_service_pb2_grpc.AnalyticsServiceStub(channel),
            "realtime": realtime_service_pb2_grpc.RealtimeServiceStub(channel),
        }

        def call(service, method, message):
            return getattr(services[service], method)(message, metadata=metadata, timeout=20)

        yield call


async def stored(http, venue):
    """Record and publish, and wait until the read models have it."""
    verdicts = await http.ingest.publish_events(
        ingest_service_pb2.PublishEventsRequest(events=venue.events())
    )
    assert verdicts.accepted_count == 3
    metric = recording_pb2.RecordMetricRequest(
        venue_id=str(venue.id), metric_type="queue", value=0, dimensions={"gate": "north"}
    )
    assert (await http.metrics.record_metric(metric)).verdict.status == "ACCEPTED"
    question = venue.window(revenue_pb2.GetRevenueSummaryRequest(venue_id=str(venue.id)))
    for _ in range(200):
        if (await http.analytics.get_revenue_summary(question)).current:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the order did not reach the books in time")


def reads(venue):
    """Service, RPC, its name in the HTTP client, and a request, for every read that is built."""
    series = series_pb2.ListMetricsRequest(venue_id=str(venue.id), metric_type="queue")
    hourly = series_pb2.ListMetricsRequest(
        venue_id=str(venue.id), metric_type="queue", granularity="hour", dimension=["gate=north"]
    )
    figure = series_pb2.AggregateMetricsRequest(
        venue_id=str(venue.id), metric_type="queue", aggregation="count"
    )
    revenue = revenue_pb2.GetRevenueSummaryRequest(venue_id=str(venue.id))
    seats = capacity_pb2.GetCapacityMetricsRequest(venue_id=str(venue.id))
    live = live_pb2.GetRealtimeMetricsRequest(venue_id=str(venue.id))
    chosen = live_pb2.GetVenueMetricsRequest(venue_id=str(venue.id), metrics=["queue"])
    return [
        ("metrics", "ListMetrics", "list_metrics", venue.window(series)),
        ("metrics", "ListMetrics", "list_metrics", venue.window(hourly)),
        ("metrics", "AggregateMetrics", "aggregate_metrics", venue.window(figure)),
        ("metrics", "GetCapacityMetrics", "get_capacity_metrics", seats),
        ("metrics", "GetRealtimeMetrics", "get_realtime_metrics", live),
        ("realtime", "GetVenueMetrics", "get_venue_metrics", chosen),
        ("analytics", "GetRevenueSummary", "get_revenue_summary", venue.window(revenue)),
    ]


async def test_reads_answer_equal_messages(http, stubs, venue):
    await stored(http, venue)

    for service, method, name, request in reads(venue):
        by_stub = await stubs(service, method, request)
        by_http = await getattr(getattr(http, service), name)(request)

        assert by_stub == by_http, method
        assert by_stub != type(by_stub)(), f"{method} answered nothing, so equality says nothing"


async def test_feeds_tell_the_same_snapshot(http, stubs, venue):
    await stored(http, venue)
    request = live_pb2.WatchVenueMetricsRequest(venue_id=str(venue.id), metrics=["queue"])

    async with asyncio.timeout(20):
        by_stub = await first_update(stubs("realtime", "WatchVenueMetrics", request))
        by_http = await first_update(http.realtime.watch_venue_metrics(request))

    assert by_stub == by_http
    assert by_stub.windows[-1].count == 1


async def first_update(messages):
    async for message in messages:
        if message.updates:
            return message.updates[0]
    raise AssertionError("the feed ended without an update")
