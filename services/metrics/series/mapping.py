"""Answers about series."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from google.protobuf.struct_pb2 import Struct
from tickettoken.metrics.v1 import series_pb2

from libs.common.moments import timestamp_of
from services.metrics.series.figures import Figures, Percentile, Point


def buckets_response(edges: Sequence[datetime], figures: Sequence[Figures]) -> series_pb2.ListMetricsResponse:
    newest = max((one.newest_time for one in figures if one.newest_time is not None), default=None)
    return series_pb2.ListMetricsResponse(
        buckets=[bucket_message(start, one) for start, one in zip(edges[:-1], figures, strict=True)],
        as_of=timestamp_of(newest),
    )


def points_response(points: Sequence[Point], next_page_token: str) -> series_pb2.ListMetricsResponse:
    return series_pb2.ListMetricsResponse(
        points=[_point(point) for point in points],
        next_page_token=next_page_token,
        as_of=timestamp_of(points[-1].time if points else None),
    )


def aggregate_response(aggregation: str, figures: Figures) -> series_pb2.AggregateMetricsResponse:
    """One of sum, avg, min, max, count; sum and count of nothing are 0, the others absent."""
    value: float | None = None
    if aggregation == "count":
        value = float(figures.count)
    elif aggregation == "sum":
        value = figures.sum
    elif figures.count:
        value = {
            "avg": figures.sum / figures.count,
            "min": figures.minimum,
            "max": figures.maximum,
        }[aggregation]
    return series_pb2.AggregateMetricsResponse(
        aggregation=aggregation,
        value=value,
        count=figures.count,
        as_of=timestamp_of(figures.newest_time),
    )


def percentile_response(aggregation: str, percentile: Percentile) -> series_pb2.AggregateMetricsResponse:
    return series_pb2.AggregateMetricsResponse(
        aggregation=aggregation,
        value=percentile.value,
        count=percentile.count,
        as_of=timestamp_of(percentile.newest_time),
    )


def bucket_message(start: datetime, figures: Figures) -> series_pb2.MetricBucket:
    bucket = series_pb2.MetricBucket(start_time=timestamp_of(start), count=figures.count, sum=figures.sum)
    if figures.count:
        bucket.avg = figures.sum / figures.count
        bucket.min = figures.minimum
        bucket.max = figures.maximum
    return bucket


def _point(point: Point) -> series_pb2.MetricPoint:
    return series_pb2.MetricPoint(
        timestamp=timestamp_of(point.time),
        value=point.value,
        dimensions=point.dimensions,
        metadata=None if point.metadata is None else _struct(point.metadata),
        metric_id="" if point.metric_id is None else str(point.metric_id),
    )


def _struct(fields: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(fields)
    return struct
