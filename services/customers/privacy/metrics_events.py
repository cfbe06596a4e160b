"""What the metrics service holds on a person: the raw events that name them, asked for over gRPC."""

import heapq
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.json_format import MessageToDict
from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.metrics.v1 import ingest_service_pb2, ingest_service_pb2_grpc

from libs.common.context import TenantScope
from libs.common.erasure.persons import PERSON_FIELDS
from libs.common.errors import DependencyUnavailable
from services.customers.privacy.access_store import Asked, Rows


class MetricsEvents:
    """Reads a person's raw events. Each page reads all of them, of which there are few for one person.

    Args:
        channel: To the metrics service.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = ingest_service_pb2_grpc.IngestServiceStub(channel)

    async def read(self, asked: Asked) -> Rows:
        """Events of venues that the scope sees, and of no venue where it sees all, by their ids.

        Raises:
            DependencyUnavailable: The metrics service does not answer, or cannot read its events.
        """
        seen: dict[str, dict[str, Any]] = {}
        try:
            async for event in self._events(asked.customer_id):
                if event.event_id > asked.after and _is_visible(event, asked.scope):
                    _hide_others(event, asked.customer_id)
                    seen[event.event_id] = MessageToDict(event)
        except grpc.aio.AioRpcError as error:
            raise DependencyUnavailable(
                "the metrics service does not answer", dependency="metrics"
            ) from error
        return heapq.nsmallest(asked.limit, seen.items())

    async def _events(self, customer_id: UUID) -> AsyncIterator[Event]:
        request = ingest_service_pb2.ReplayEventsRequest(customer_id=str(customer_id))
        async for batch in self._stub.ReplayEvents(request):
            for event in batch.events:
                yield event


def without_profile(event: dict[str, Any]) -> dict[str, Any]:
    """The event without what it says about who somebody is."""
    masked = dict(event)
    for kind in ("customerRegistered", "customerUpdated"):
        if kind in masked:
            masked[kind] = {"customerId": masked[kind]["customerId"]}
    if "campaignTouchpoint" in masked:
        touchpoint = masked["campaignTouchpoint"].items()
        masked["campaignTouchpoint"] = {name: value for name, value in touchpoint if name != "metadata"}
    return masked


def _hide_others(event: Event, customer_id: UUID) -> None:
    """Leave out who else an event names: it is not theirs that was asked for."""
    kind = event.WhichOneof("payload") or ""
    payload: Any = getattr(event, kind, None)
    for field in PERSON_FIELDS.get(kind, ()):
        text = getattr(payload, field)
        if text and UUID(text) != customer_id:
            payload.ClearField(field)


def _is_visible(event: Event, scope: TenantScope) -> bool:
    return scope.allows(UUID(event.venue_id)) if event.venue_id else scope.venue_ids is None
