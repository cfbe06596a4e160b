"""The raw events of a tenant, asked for from the metrics service."""

from collections.abc import AsyncGenerator, Sequence
from typing import Final
from uuid import UUID

import grpc
from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.metrics.v1 import ingest_service_pb2, ingest_service_pb2_grpc

from libs.common.bus.consumer import service_caller
from libs.common.context import acting_as
from libs.common.errors import DependencyUnavailable
from libs.common.rpc.status import error_info_from

_TOKEN_EXPIRED: Final = "TOKEN_EXPIRED"  # noqa: S105 - the reason of an error
_TOKEN_USELESS: Final = frozenset({"RESUME_EXPIRED", "RESUME_TOKEN_INVALID"})


class RawEvents:
    """Reads raw events in the order in which they were stored.

    Args:
        channel: To the metrics service.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = ingest_service_pb2_grpc.IngestServiceStub(channel)

    async def batches(
        self, tenant_id: UUID, types: Sequence[str], resume_token: str = ""
    ) -> AsyncGenerator[tuple[str, list[Event]]]:
        """Batches of events up to now, each with the token that goes on after it; some events come twice.

        A stream that outlives this service's identity is resumed with a new one; a token that has become
        useless starts from the first event again.

        Raises:
            DependencyUnavailable: The metrics service does not answer, or cannot read its events.
        """
        token = resume_token
        while True:
            request = ingest_service_pb2.ReplayEventsRequest(types=types, resume_token=token)
            with acting_as(service_caller("customers", tenant_id)):
                stream = self._stub.ReplayEvents(request)
            try:
                async for answer in stream:
                    token = answer.resume_token
                    yield token, list(answer.events)
            except grpc.aio.AioRpcError as error:
                token = _resumable(error, token)
            else:
                return
            finally:
                stream.cancel()


def _resumable(error: grpc.aio.AioRpcError, token: str) -> str:
    """The token to go on with after an error that a new stream mends."""
    info = error_info_from(error)
    reason = "" if info is None else info.reason
    if reason == _TOKEN_EXPIRED:
        return token
    if reason in _TOKEN_USELESS and token:
        return ""
    raise DependencyUnavailable(
        f"the metrics service does not send its raw events: {error.code().name} {reason}".rstrip(),
        dependency="metrics",
    ) from error
