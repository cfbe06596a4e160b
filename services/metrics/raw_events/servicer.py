"""gRPC: IngestService's replay of raw events."""

from collections.abc import AsyncIterator
from uuid import UUID

from tickettoken.metrics.v1 import ingest_service_pb2

from libs.common.auth.expiry import require_unexpired
from libs.common.context import current_caller
from libs.common.moments import moment_of
from services.metrics.raw_events.replay import Replay


class ReplayServicer:
    """ReplayEvents."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    async def ReplayEvents(
        self, request: ingest_service_pb2.ReplayEventsRequest, _context: object
    ) -> AsyncIterator[ingest_service_pb2.ReplayEventsResponse]:
        caller = current_caller()
        batches = self._replay.batches(
            caller.tenant_id,
            request.resume_token,
            types=tuple(request.types),
            start=moment_of(request.start_time, "startTime") if request.HasField("start_time") else None,
            end=moment_of(request.end_time, "endTime") if request.HasField("end_time") else None,
            customer_id=UUID(request.customer_id) if request.customer_id else None,
        )
        async for token, events in batches:
            yield ingest_service_pb2.ReplayEventsResponse(resume_token=token, events=events)
            require_unexpired(caller)
