"""gRPC: IngestService."""

from tickettoken.metrics.v1 import ingest_service_pb2, recording_pb2

from libs.common.context import current_caller
from services.metrics.ingest.publisher import Publisher, Verdicts


class IngestServicer:
    """PublishEvents."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def PublishEvents(
        self, request: ingest_service_pb2.PublishEventsRequest, _context: object
    ) -> ingest_service_pb2.PublishEventsResponse:
        verdicts = await self._publisher.publish(current_caller().scope, request.events)
        return _response(verdicts, len(request.events))


def _response(verdicts: Verdicts, sent: int) -> ingest_service_pb2.PublishEventsResponse:
    rejected = (
        recording_pb2.Verdict(status="REJECTED", reason=reason, message=message, index=index)
        for index, (reason, message) in verdicts.refusals.items()
    )
    duplicates = (recording_pb2.Verdict(status="DUPLICATE", index=index) for index in verdicts.duplicates)
    return ingest_service_pb2.PublishEventsResponse(
        accepted_count=sent - len(verdicts.refusals) - len(verdicts.duplicates),
        duplicate_count=len(verdicts.duplicates),
        rejected_count=len(verdicts.refusals),
        verdicts=sorted([*rejected, *duplicates], key=lambda verdict: verdict.index),
    )
