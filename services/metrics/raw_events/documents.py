"""Platform events as documents."""

from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToDict
from tickettoken.events.v1.envelope_pb2 import Event

Document = dict[str, Any]


def document_of(event: Event, stored_at: datetime) -> Document:
    """The event with its payload as proto3 JSON (64-bit integers are strings there).

    The id joins tenant and event: ids that two tenants chose alike do not meet. Empty fields are left out.
    People appear as the payload has them; erasing a customer rewrites them here.

    Args:
        event: A decodable event of a tenant.
        stored_at: When it was taken over; decides when it expires.
    """
    kind = event.WhichOneof("payload")
    document: Document = {
        "_id": f"{event.tenant_id}/{event.event_id}",
        "tenant_id": event.tenant_id,
        "event_id": event.event_id,
        "type": event.type,
        "entity_id": event.entity_id,
        "version": event.version,
        "occurred_at": event.occurred_at.ToDatetime(tzinfo=UTC),
        "producer": event.producer,
        "stored_at": stored_at,
        "payload": MessageToDict(getattr(event, kind)) if kind else {},
    }
    if event.venue_id:
        document["venue_id"] = event.venue_id
    if event.traceparent:
        document["traceparent"] = event.traceparent
    return document
