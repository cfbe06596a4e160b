"""gRPC: MetricsService's reading methods."""

from typing import Any

import grpc
from tickettoken.metrics.v1 import series_pb2

from libs.common.context import current_caller
from services.metrics.series.reader import SeriesReader

_Context = grpc.aio.ServicerContext[Any, Any]


class SeriesServicer:
    """ListMetrics, AggregateMetrics."""

    def __init__(self, reader: SeriesReader) -> None:
        self._reader = reader

    async def ListMetrics(
        self, request: series_pb2.ListMetricsRequest, _context: _Context
    ) -> series_pb2.ListMetricsResponse:
        read = self._reader.buckets if request.granularity else self._reader.points
        return await read(current_caller().scope, request)

    async def AggregateMetrics(
        self, request: series_pb2.AggregateMetricsRequest, _context: _Context
    ) -> series_pb2.AggregateMetricsResponse:
        return await self._reader.aggregate(current_caller().scope, request)
