"""The performance of shows as messages of the contract."""

from collections.abc import Sequence
from uuid import UUID

from tickettoken.metrics.v1 import performance_pb2

from libs.common.amounts import money_message
from libs.common.moments import timestamp_of
from services.metrics.performance.pacing import ComparableShow, Pacing
from services.metrics.performance.report import ShowPerformance
from services.metrics.performance.sales import Age
from services.metrics.sales.mapping import figures_message


def report_message(shows: Sequence[ShowPerformance]) -> performance_pb2.GetEventPerformanceResponse:
    newest = [one.newest_fact_at for one in shows]
    # A past show is comparable to many: what is said of it each time is made once.
    past: dict[UUID, performance_pb2.ComparableEvent] = {}
    return performance_pb2.GetEventPerformanceResponse(
        events=[_show_message(one, past) for one in shows],
        as_of=timestamp_of(max((moment for moment in newest if moment is not None), default=None)),
    )


def _show_message(
    one: ShowPerformance, past: dict[UUID, performance_pb2.ComparableEvent]
) -> performance_pb2.EventPerformance:
    show, seats, sales = one.show, one.seats, one.sales
    return performance_pb2.EventPerformance(
        event_id=str(show.event_id),
        event_name=show.name,
        venue_id=str(show.venue_id),
        starts_at=timestamp_of(show.starts_at),
        cancelled=show.cancelled,
        capacity_count=seats.total or 0,
        sold_count=seats.sold,
        sell_through_ratio=seats.utilisation,
        sold_last_hour_count=sales.sold_since(Age.HOUR),
        sold_last_day_count=sales.sold_since(Age.DAY),
        sold_last_week_count=sales.sold_since(Age.WEEK),
        figures=[figures_message(figures) for figures in sales.figures],
        average_ticket_prices=[
            money_message(price, currency) for currency, price in sales.average_prices.items()
        ],
        refunded_ticket_count=sales.refunded_ticket_count,
        scanned_count=0 if one.tickets is None else one.tickets.admitted_count,
        scan_ratio=one.scan_ratio,
        resale_count=0 if one.market is None else one.market.resale_count,
        resale_price_ratio=None if one.market is None else one.market.median_price_ratio,
        pacing=None if one.pacing is None else _pacing_message(one.pacing, past),
    )


def _pacing_message(
    pacing: Pacing, past: dict[UUID, performance_pb2.ComparableEvent]
) -> performance_pb2.Pacing:
    return performance_pb2.Pacing(
        percentile=pacing.rank.percentile,
        days_before_doors=pacing.days_before_doors,
        sell_through_ratio=pacing.sell_through,
        median_comparable_ratio=pacing.rank.median,
        comparables=[_comparable_message(one, past) for one in pacing.comparables],
    )


def _comparable_message(
    one: ComparableShow, past: dict[UUID, performance_pb2.ComparableEvent]
) -> performance_pb2.ComparableEvent:
    show = one.show
    message = performance_pb2.ComparableEvent(
        sell_through_ratio=one.sell_through,
        final_sell_through_ratio=one.final_sell_through,
        similarities=one.similarities,
    )
    if show.event_id not in past:
        past[show.event_id] = performance_pb2.ComparableEvent(
            event_id=str(show.event_id), event_name=show.name, starts_at=timestamp_of(show.starts_at)
        )
    message.MergeFrom(past[show.event_id])
    return message
