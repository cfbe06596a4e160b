"""Venues over time as messages of the contract."""

from tickettoken.metrics.v1 import performance_pb2

from libs.common.moments import timestamp_of
from services.metrics.daily.performance import Performance, PeriodFigures, VenueFigures
from services.metrics.sales.mapping import figures_message


def performance_message(
    performance: Performance, granularity: str
) -> performance_pb2.ListVenuePerformanceResponse:
    return performance_pb2.ListVenuePerformanceResponse(
        venues=[_venue_message(one) for one in performance.venues],
        granularity=granularity,
        as_of=timestamp_of(performance.as_of),
    )


def _venue_message(figures: VenueFigures) -> performance_pb2.VenuePerformance:
    return performance_pb2.VenuePerformance(
        venue_id=str(figures.venue.venue_id),
        venue_name=figures.venue.name,
        time_zone=figures.venue.time_zone,
        periods=[_period_message(one) for one in figures.periods],
        totals=[figures_message(one) for one in figures.totals],
    )


def _period_message(figures: PeriodFigures) -> performance_pb2.VenuePeriod:
    return performance_pb2.VenuePeriod(
        start_date=figures.period.start_date.isoformat(),
        order_count=figures.order_count,
        ticket_count=figures.ticket_count,
        refunded_ticket_count=figures.refunded_ticket_count,
        scanned_count=figures.scanned_count,
        visitor_count=figures.visitor_count,
        event_count=figures.show_count,
        figures=[figures_message(one) for one in figures.figures],
    )
