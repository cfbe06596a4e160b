"""Trends and comparisons as messages."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from tickettoken.metrics.v1 import series_pb2, trends_pb2

from libs.common.buckets import Window
from libs.common.moments import interval_of, timestamp_of
from services.metrics.series.figures import Figures
from services.metrics.series.mapping import bucket_message
from services.metrics.statistics.trend import Trend, fitted
from services.metrics.trends.comparison import Change, Comparison, Side
from services.metrics.trends.reader import MetricComparison, MetricTrend


def trend_response(found: MetricTrend) -> trends_pb2.GetMetricTrendsResponse:
    starts = found.edges[:-1]
    return trends_pb2.GetMetricTrendsResponse(
        window=interval_of(Window(found.edges[0], found.edges[-1])),
        periods=_periods(starts, found.all_series.figures),
        trend=_trend_of(found.all_series.figures),
        by_dimension=[
            trends_pb2.DimensionTrend(
                dimension_value=one.value or "",
                periods=_periods(starts, one.figures),
                trend=_trend_of(one.figures),
            )
            for one in found.by_value
        ],
        as_of=timestamp_of(_newest(found.all_series.figures)),
    )


def comparison_response(found: MetricComparison) -> trends_pb2.CompareMetricsResponse:
    sides = found.all_series.current, found.all_series.previous
    return trends_pb2.CompareMetricsResponse(
        comparison=_comparison(found.all_series),
        by_dimension=[
            trends_pb2.DimensionComparison(dimension_value=value or "", comparison=_comparison(one))
            for value, one in found.by_value
        ],
        as_of=timestamp_of(_newest(side.figures for side in sides)),
    )


def trend_message(trend: Trend, *, missing_count: int) -> trends_pb2.Trend:
    """A fitted line; fields that too few values leave open are absent."""
    return trends_pb2.Trend(
        slope_per_period=trend.slope,
        slope_low=trend.low,
        slope_high=trend.high,
        direction=trend.direction,
        change_ratio=trend.change_ratio,
        period_count=trend.count,
        missing_period_count=missing_count,
        residual_autocorrelation=trend.autocorrelation,
    )


def _trend_of(figures: Sequence[Figures]) -> trends_pb2.Trend:
    missing = sum(one.count == 0 for one in figures)
    return trend_message(fitted([one.sum for one in figures]), missing_count=missing)


def _periods(starts: Sequence[datetime], figures: Sequence[Figures]) -> list[series_pb2.MetricBucket]:
    return [bucket_message(start, one) for start, one in zip(starts, figures, strict=True)]


def _comparison(one: Comparison) -> trends_pb2.WindowComparison:
    return trends_pb2.WindowComparison(
        current=_side(one.current),
        previous=_side(one.previous),
        sum_change=_change(one.sum_change),
        count_change=_change(one.count_change),
        avg_change=_change(one.avg_change),
        sum_per_day_change=_change(one.sum_per_day_change),
    )


def _side(side: Side) -> trends_pb2.WindowFigures:
    figures = side.figures
    return trends_pb2.WindowFigures(
        window=interval_of(side.window),
        day_count=side.day_count,
        count=figures.count,
        sum=figures.sum,
        avg=side.avg,
        min=figures.minimum if figures.count else None,
        max=figures.maximum if figures.count else None,
        sum_per_day=side.sum_per_day,
    )


def _change(change: Change | None) -> trends_pb2.Change | None:
    return None if change is None else trends_pb2.Change(absolute=change.absolute, relative=change.relative)


def _newest(figures: Iterable[Figures]) -> datetime | None:
    return max((one.newest_time for one in figures if one.newest_time is not None), default=None)
