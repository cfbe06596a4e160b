"""gRPC: MetricsService's recording methods."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
from tickettoken.metrics.v1 import recording_pb2

from libs.common.context import current_caller
from libs.common.rpc.claims import claims_idempotency_itself, current_claim
from services.metrics.recording.recorder import Recorder
from services.metrics.recording.stream import acknowledged

_Context = grpc.aio.ServicerContext[Any, Any]


class RecordingServicer:
    """RecordMetric, BulkRecordMetrics, StreamMetrics."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @claims_idempotency_itself
    async def RecordMetric(
        self, request: recording_pb2.RecordMetricRequest, _context: _Context
    ) -> recording_pb2.RecordMetricResponse:
        return await self._recorder.record(current_caller(), current_claim(), request)

    @claims_idempotency_itself
    async def BulkRecordMetrics(
        self, request: recording_pb2.BulkRecordMetricsRequest, _context: _Context
    ) -> recording_pb2.BulkRecordMetricsResponse:
        return await self._recorder.record_many(current_caller(), current_claim(), request.metrics)

    async def StreamMetrics(
        self, requests: AsyncIterator[recording_pb2.StreamMetricsRequest], _context: _Context
    ) -> AsyncIterator[recording_pb2.StreamMetricsResponse]:
        async for acknowledgement in acknowledged(self._recorder, current_caller(), requests):
            yield acknowledgement
