"""Platform events as documents, and back."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from google.protobuf.json_format import MessageToDict, ParseDict
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.buckets import microseconds
from libs.common.erasure.persons import persons_of
from libs.common.mongo import Document

_PAYLOADS: Final = frozenset(field.name for field in Event.DESCRIPTOR.oneofs_by_name["payload"].fields)


def document_of(event: Event, stored_at: datetime) -> Document:
    """The event with its payload as proto3 JSON (64-bit integers are strings there).

    Empty fields are left out. People appear as the payload has them; erasing a customer rewrites them here.

    Args:
        event: A decodable event of a tenant.
        stored_at: When it was taken over; decides when it expires.
    """
    kind = event.WhichOneof("payload")
    occurred_at = event.occurred_at.ToDatetime(tzinfo=UTC)
    document: Document = {
        "id": event.event_id,
        "type": event.type,
        "entity_id": event.entity_id,
        "version": event.version,
        "occurred_at": occurred_at,
        "occurred_microseconds": microseconds(occurred_at),  # BSON dates end at milliseconds
        "producer": event.producer,
        "stored_at": stored_at,
        "people": people_of(event),
        "payload": MessageToDict(getattr(event, kind)) if kind else {},
    }
    if event.venue_id:
        document["venue_id"] = event.venue_id
    if event.traceparent:
        document["traceparent"] = event.traceparent
    return document


def people_of(event: Event) -> list[str]:
    """Ids of the people an event names, as their documents are found by: lower case, each once, sorted."""
    return sorted({str(person) for person in persons_of(event)})


def event_of(document: Document, tenant_id: UUID) -> Event:
    """The event that a document was made from; fields of a later version of the contract are left out."""
    event = Event(
        event_id=document["id"],
        type=document["type"],
        tenant_id=str(tenant_id),
        venue_id=document.get("venue_id", ""),
        entity_id=document["entity_id"],
        version=document["version"],
        producer=document["producer"],
        traceparent=document.get("traceparent", ""),
    )
    event.occurred_at.FromMicroseconds(document["occurred_microseconds"])
    kind = document["type"].replace(".", "_")
    if kind in _PAYLOADS:
        payload = getattr(event, kind)
        payload.SetInParent()
        ParseDict(document["payload"], payload, ignore_unknown_fields=True)
    return event
