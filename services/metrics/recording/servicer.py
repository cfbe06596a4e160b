"""gRPC: MetricsService's recording methods."""

from collections.abc import AsyncIterator

import grpc

from libs.common.context import current_caller
from libs.common.rpc.idempotency import claims_idempotency_itself, current_claim
from services.metrics.recording.recorder import Recorder
from services.metrics.recording.stream import acknowledged
from tickettoken.metrics.v1 import recording_pb2

_Context = grpc.aio.ServicerContext


class RecordingServicer:
    """RecordMetric, BulkRecordMetrics, StreamMetrics."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @claims_idempotency_itself
    async def RecordMetric(  # noqa: N802
        self, request: recording_pb2.RecordMetricRequest, _context: _Context
    ) -> recording_pb2.RecordMetricResponse:
        return await self._recorder.record(current_caller(), current_claim(), request)

    @claims_idempotency_itself
    async def BulkRecordMetrics(  # noqa: N802
        self, request: recording_pb2.BulkRecordMetricsRequest, _context: _Context
    ) -> recording_pb2.BulkRecordMetricsResponse:
        return await self._recorder.record_many(current_caller(), current_claim(), request.metrics)

    async def StreamMetrics(  # noqa: N802
        self, requests: AsyncIterator[recording_pb2.StreamMetricsRequest], _context: _Context
    ) -> AsyncIterator[recording_pb2.StreamMetricsResponse]:
        async for acknowledgement in acknowledged(self._recorder, current_caller(), requests):
            yield acknowledgement
