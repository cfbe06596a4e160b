"""One telling request for every method of the metrics contract, and a venue that answers it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from google.protobuf.message import Message
from tickettoken.common.v1.money_pb2 import Money
from tickettoken.events.v1 import behavior_pb2, tickets_pb2
from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.metrics.v1 import (
    capacity_pb2,
    counters_pb2,
    doors_pb2,
    funnel_pb2,
    ingest_service_pb2,
    live_pb2,
    marketplace_pb2,
    overview_pb2,
    performance_pb2,
    projections_pb2,
    query_pb2,
    recording_pb2,
    revenue_pb2,
    sales_pb2,
    series_pb2,
    sessions_pb2,
    trends_pb2,
)

from tests.platform import events as make

DAY = timedelta(days=1)
METRIC = "queue"


class World:
    """A tenant with one venue: six weeks of orders, a show with doors open, a market, visits and a metric."""

    def __init__(self) -> None:
        self.tenant, self.venue, self.show, self.kind = uuid4(), uuid4(), uuid4(), uuid4()
        self.now = datetime.now(UTC).replace(microsecond=0)

    def events(self) -> list[Event]:
        """Everything that happened, at the venue or at another tenant's."""
        about, now = (self.tenant, self.venue), self.now
        ticket, listing, order = uuid4(), uuid4(), uuid4()
        return [
            make.venue_updated(*about),
            make.event_created(*about, self.show, starts_at=now + timedelta(hours=1)),
            make.ticket_type_updated(*about, self.show, self.kind, capacity=5_000, held=4),
            *(
                make.order_completed(
                    *about, lines=((1 + day % 3, 2_000, self.kind, self.show),), at=now - day * DAY
                )
                for day in range(1, 43)
            ),
            make.order_completed(
                *about,
                order,
                lines=((2, 2_000, self.kind, self.show),),
                at=now - timedelta(minutes=20),
                session_id="s-1",
            ),
            self._event("page_viewed", "s-1", page_viewed=self._page("s-1")),
            self._event("page_viewed", "s-2", page_viewed=self._page("s-2")),
            self._event(
                "ticket_listed",
                listing,
                ticket_listed=tickets_pb2.TicketListed(
                    listing_id=str(listing),
                    ticket_id=str(ticket),
                    event_id=str(self.show),
                    price=Money(amount_minor=2_500, currency="EUR"),
                    face_value=Money(amount_minor=2_000, currency="EUR"),
                    status="active",
                ),
            ),
            self._event(
                "ticket_scanned",
                ticket,
                ticket_scanned=tickets_pb2.TicketScanned(
                    ticket_id=str(ticket),
                    event_id=str(self.show),
                    ticket_type_id=str(self.kind),
                    order_id=str(order),
                    gate="north",
                    result="admitted",
                ),
            ),
        ]

    def _page(self, session: str) -> behavior_pb2.PageViewed:
        return behavior_pb2.PageViewed(
            session_id=session, page="/show", event_id=str(self.show), device_class="mobile"
        )

    def _event(self, _kind: str, entity: object, **payload: Message) -> Event:
        at = self.now - timedelta(minutes=3)
        return make.event(self.tenant, self.venue, entity, at=at, **payload)

    def within(self, message: Message, *names: str, days: int = 50) -> Message:
        """The message with the window of the world's facts, in fields of these names."""
        start, end = names or ("start_date", "end_date")
        getattr(message, start).FromDatetime(self.now.replace(minute=0, second=0) - days * DAY)
        getattr(message, end).FromDatetime(self.now.replace(minute=0, second=0) + DAY)
        return message


def _metric(world: World, venue: UUID) -> dict[str, object]:
    return {"venue_id": str(venue), "metric_type": METRIC}


def _query(world: World, venue: UUID) -> query_pb2.ExecuteQueryRequest:
    request = query_pb2.ExecuteQueryRequest(
        metrics=["revenue", "ticketSales", "conversionRate", "topEvents", "salesTrends"],
        filters=query_pb2.QueryFilters(venue_ids=[str(venue)]),
        group_by=["venue"],
    )
    world.within(request.time_range, "start", "end")
    return request


def _comparison(world: World, venue: UUID) -> trends_pb2.CompareMetricsRequest:
    request = trends_pb2.CompareMetricsRequest(**_metric(world, venue))
    world.within(request, "current_start_date", "current_end_date", days=5)
    world.within(request, "previous_start_date", "previous_end_date", days=20)
    return request


def _published(world: World, venue: UUID) -> ingest_service_pb2.PublishEventsRequest:
    event = make.order_completed("", venue, at=world.now)
    return ingest_service_pb2.PublishEventsRequest(events=[event])


def _bulk(world: World, venue: UUID) -> recording_pb2.BulkRecordMetricsRequest:
    rows = [recording_pb2.MetricInput(**_metric(world, venue), value=value) for value in (0, 2.5)]
    return recording_pb2.BulkRecordMetricsRequest(metrics=rows)


def _windowed(message: type[Message]) -> Callable[[World, UUID], Message]:
    return lambda world, venue: world.within(message(venue_id=str(venue)))


def _of_venue(message: type[Message], **fields: object) -> Callable[[World, UUID], Message]:
    return lambda world, venue: message(venue_id=str(venue), **fields)


REQUESTS: Mapping[str, Callable[[World, UUID], Message]] = {
    "RecordMetric": lambda world, venue: recording_pb2.RecordMetricRequest(**_metric(world, venue), value=0),
    "BulkRecordMetrics": _bulk,
    "ListMetrics": lambda world, venue: world.within(
        series_pb2.ListMetricsRequest(**_metric(world, venue), granularity="day"), days=3
    ),
    "AggregateMetrics": lambda world, venue: world.within(
        series_pb2.AggregateMetricsRequest(**_metric(world, venue), aggregation="p95"), days=3
    ),
    "GetMetricTrends": lambda world, venue: trends_pb2.GetMetricTrendsRequest(
        **_metric(world, venue), periods=10, period_unit="hour"
    ),
    "CompareMetrics": _comparison,
    "GetRealtimeMetrics": _of_venue(live_pb2.GetRealtimeMetricsRequest),
    "GetCapacityMetrics": _of_venue(capacity_pb2.GetCapacityMetricsRequest),
    "GetVenueMetrics": _of_venue(live_pb2.GetVenueMetricsRequest, metrics=["orders_completed"]),
    "WatchVenueMetrics": _of_venue(live_pb2.WatchVenueMetricsRequest),
    "ListActiveSessions": _of_venue(sessions_pb2.ListActiveSessionsRequest),
    "IncrementCounter": _of_venue(counters_pb2.IncrementCounterRequest, counter_type="inside", increment=2),
    "GetCounter": _of_venue(counters_pb2.GetCounterRequest, counter_type="inside"),
    "GetDoorsBoard": _of_venue(doors_pb2.GetDoorsBoardRequest),
    "GetRevenueSummary": _windowed(revenue_pb2.GetRevenueSummaryRequest),
    "GetRevenueByChannel": _windowed(revenue_pb2.GetRevenueByChannelRequest),
    "GetRevenueProjections": _of_venue(projections_pb2.GetRevenueProjectionsRequest, days=7),
    "GetSalesMetrics": _windowed(sales_pb2.GetSalesMetricsRequest),
    "GetSalesTrends": _windowed(sales_pb2.GetSalesTrendsRequest),
    "GetEventPerformance": _windowed(performance_pb2.GetEventPerformanceRequest),
    "ListTopPerformingEvents": _windowed(performance_pb2.ListTopPerformingEventsRequest),
    "GetRealtimeSummary": _of_venue(overview_pb2.GetRealtimeSummaryRequest),
    "GetConversionFunnel": _windowed(funnel_pb2.GetConversionFunnelRequest),
    "ExecuteQuery": _query,
    "GetDashboardData": _of_venue(overview_pb2.GetDashboardDataRequest),
    "ListVenuePerformance": _windowed(performance_pb2.ListVenuePerformanceRequest),
    "GetMarketplaceActivity": _windowed(marketplace_pb2.GetMarketplaceActivityRequest),
    "GetTicketStatus": _of_venue(marketplace_pb2.GetTicketStatusRequest),
    "PublishEvents": _published,
}
"""What to ask each method about a venue."""

NOT_OVER_REST = {"StreamMetrics"}
"""Both ends stream: gRPC only."""
