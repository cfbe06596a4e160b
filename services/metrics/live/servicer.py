"""gRPC: live figures of MetricsService and RealtimeService."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import grpc
from tickettoken.metrics.v1 import live_pb2

from libs.common.context import current_caller
from services.metrics.live.mapping import live_metric, newest_fact
from services.metrics.live.reader import LiveReader
from services.metrics.live.watch import VenueWatch

_Context = grpc.aio.ServicerContext[Any, Any]


class RealtimeMetricsServicer:
    """MetricsService: GetRealtimeMetrics."""

    def __init__(self, reader: LiveReader) -> None:
        self._reader = reader

    async def GetRealtimeMetrics(
        self, request: live_pb2.GetRealtimeMetricsRequest, _context: _Context
    ) -> live_pb2.GetRealtimeMetricsResponse:
        states = await self._reader.current(current_caller().scope, UUID(request.venue_id))
        return live_pb2.GetRealtimeMetricsResponse(
            metrics=map(live_metric, states), as_of=newest_fact(states)
        )


class RealtimeServicer:
    """RealtimeService: GetVenueMetrics, WatchVenueMetrics."""

    def __init__(self, reader: LiveReader, watch: VenueWatch) -> None:
        self._reader = reader
        self._watch = watch

    async def GetVenueMetrics(
        self, request: live_pb2.GetVenueMetricsRequest, _context: _Context
    ) -> live_pb2.GetVenueMetricsResponse:
        states = await self._reader.current(current_caller().scope, UUID(request.venue_id), request.metrics)
        return live_pb2.GetVenueMetricsResponse(metrics=map(live_metric, states), as_of=newest_fact(states))

    def WatchVenueMetrics(
        self, request: live_pb2.WatchVenueMetricsRequest, _context: _Context
    ) -> AsyncGenerator[bytes, None]:
        return self._watch.messages(
            current_caller(), UUID(request.venue_id), frozenset(request.metrics), request.resume_token
        )
