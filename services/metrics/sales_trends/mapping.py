"""Trends of sales as messages of the contract."""

from collections.abc import Sequence
from datetime import datetime

from tickettoken.metrics.v1 import sales_pb2

from libs.common.moments import interval_of, timestamp_of
from services.metrics.sales_trends.measures import Measure
from services.metrics.sales_trends.report import SalesTrends
from services.metrics.statistics.change_points import Shift
from services.metrics.trends.mapping import trend_message


def trends_message(trends: SalesTrends, granularity: str, clock: str) -> sales_pb2.GetSalesTrendsResponse:
    return sales_pb2.GetSalesTrendsResponse(
        trends=[_measure_message(measure, trends.starts) for measure in trends.measures],
        window=None if trends.window is None else interval_of(trends.window),
        granularity=granularity,
        time_zone=clock,
        as_of=timestamp_of(trends.as_of),
    )


def _measure_message(measure: Measure, starts: Sequence[datetime]) -> sales_pb2.SalesTrend:
    return sales_pb2.SalesTrend(
        measure=measure.name,
        currency=measure.currency,
        points=[
            sales_pb2.TrendPoint(start_time=timestamp_of(start), value=value)
            for start, value in zip(starts, measure.values, strict=True)
        ],
        # A period without sales is known to have none: nothing is missing.
        trend=trend_message(measure.trend, missing_count=0),
        change_points=[_shift_message(shift, starts) for shift in measure.shifts],
    )


def _shift_message(shift: Shift, starts: Sequence[datetime]) -> sales_pb2.ChangePoint:
    return sales_pb2.ChangePoint(
        start_time=timestamp_of(starts[shift.at]),
        mean_before=shift.mean_before,
        mean_after=shift.mean_after,
        p_value=shift.p_value,
    )
