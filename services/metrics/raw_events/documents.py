"""Platform events as documents."""

from datetime import UTC, datetime

from google.protobuf.json_format import MessageToDict
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.mongo import Document


def document_of(event: Event, stored_at: datetime) -> Document:
    """The event with its payload as proto3 JSON (64-bit integers are strings there).

    Empty fields are left out. People appear as the payload has them; erasing a customer rewrites them here.

    Args:
        event: A decodable event of a tenant.
        stored_at: When it was taken over; decides when it expires.
    """
    kind = event.WhichOneof("payload")
    document: Document = {
        "id": event.event_id,
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
