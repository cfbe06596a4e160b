"""Questions and answers about sales as messages of the contract."""

from typing import cast
from uuid import UUID

from tickettoken.metrics.v1 import performance_pb2, revenue_pb2, sales_pb2

from libs.common.amounts import money_message
from libs.common.buckets import Granularity, Window
from libs.common.moments import moment_of, timestamp_of
from services.metrics.sales.figures import RevenueFigures
from services.metrics.sales.over_time import Bucket, SalesOverTime
from services.metrics.sales.questions import HistoryQuestion, TopQuestion
from services.metrics.sales.standings import OrderBy
from services.metrics.sales.top_events import RankedShow, TopEvents

_DEFAULT_LIMIT = 10


def history_question(request: sales_pb2.GetSalesMetricsRequest) -> HistoryQuestion:
    """What the request asks.

    Raises:
        InvalidField: The window is empty or outside the calendar.
    """
    return HistoryQuestion(
        window=_window_of(request),
        granularity=cast("Granularity", request.granularity or "day"),
        time_zone=request.time_zone,
        venue_id=_optional(request.venue_id),
        event_id=_optional(request.event_id),
    )


def top_question(request: performance_pb2.ListTopPerformingEventsRequest) -> TopQuestion:
    """What the request asks.

    Raises:
        InvalidField: The window is empty or outside the calendar.
    """
    return TopQuestion(
        window=_window_of(request),
        order_by=OrderBy(request.order_by or OrderBy.REVENUE),
        limit=request.limit if request.HasField("limit") else _DEFAULT_LIMIT,
        venue_id=_optional(request.venue_id),
    )


def history_message(
    history: SalesOverTime, granularity: str, clock: str
) -> sales_pb2.GetSalesMetricsResponse:
    return sales_pb2.GetSalesMetricsResponse(
        buckets=[_bucket_message(bucket) for bucket in history.buckets],
        totals=[figures_message(figures) for figures in history.totals],
        granularity=granularity,
        time_zone=clock,
        as_of=timestamp_of(history.as_of),
    )


def top_message(top: TopEvents) -> performance_pb2.ListTopPerformingEventsResponse:
    return performance_pb2.ListTopPerformingEventsResponse(
        events=[_ranked_message(show) for show in top.shows], as_of=timestamp_of(top.as_of)
    )


def figures_message(figures: RevenueFigures) -> revenue_pb2.RevenueFigures:
    average = figures.average_order_minor
    return revenue_pb2.RevenueFigures(
        currency=figures.currency,
        gross=money_message(figures.gross_minor, figures.currency),
        refunds=money_message(figures.refund_minor, figures.currency),
        fees=money_message(figures.fee_minor, figures.currency),
        net=money_message(figures.net_minor, figures.currency),
        average_order_value=None if average is None else money_message(average, figures.currency),
        order_count=figures.order_count,
        ticket_count=figures.ticket_count,
    )


def _bucket_message(bucket: Bucket) -> sales_pb2.SalesBucket:
    return sales_pb2.SalesBucket(
        start_time=timestamp_of(bucket.start),
        order_count=bucket.order_count,
        ticket_count=bucket.ticket_count,
        refunded_ticket_count=bucket.refunded_ticket_count,
        figures=[figures_message(figures) for figures in bucket.figures],
    )


def _ranked_message(ranked: RankedShow) -> performance_pb2.RankedEvent:
    show = ranked.standing.show
    return performance_pb2.RankedEvent(
        rank=ranked.rank,
        event_id=str(ranked.event_id),
        event_name="" if show is None else show.name,
        venue_id="" if show is None else str(show.venue_id),
        starts_at=None if show is None else timestamp_of(show.starts_at),
        figures=[figures_message(figures) for figures in ranked.figures],
        ticket_count=ranked.ticket_count,
        sell_through_ratio=ranked.standing.sell_through,
        tickets_per_day=ranked.standing.tickets_per_day,
    )


def _window_of(
    request: sales_pb2.GetSalesMetricsRequest | performance_pb2.ListTopPerformingEventsRequest,
) -> Window:
    return Window.of(moment_of(request.start_date, "startDate"), moment_of(request.end_date, "endDate"))


def _optional(text: str) -> UUID | None:
    return UUID(text) if text else None
