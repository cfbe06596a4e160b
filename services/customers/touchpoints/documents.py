"""Touchpoints as documents, and back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from google.protobuf.json_format import MessageToJson
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.buckets import microseconds
from libs.common.bus.revision import happened_at, repeated_id
from libs.common.mongo import Document

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Touchpoint:
    """Somebody met a channel. What is not known is empty or None."""

    touchpoint_id: str
    venue_id: UUID
    campaign_id: UUID | None
    channel: str
    kind: str
    at: datetime
    session_id: str
    customer_id: UUID | None


def document_of(event: Event) -> Document:
    """The document that a valid campaign.touchpoint event states.

    `revision` orders statements about one touchpoint: the greatest holds, whatever arrives first.
    """
    stated = event.campaign_touchpoint
    at = microseconds(happened_at(event))
    document: Document = {
        "id": event.entity_id,
        "revision": f"{event.version:019d}|{at:020d}|{event.event_id.lower()}",
        "venue_id": str(repeated_id(event.venue_id)),
        "campaign_id": str(repeated_id(stated.campaign_id)) if stated.campaign_id else None,
        "channel": stated.channel,
        "kind": stated.kind,
        "at_us": at,  # BSON dates end at milliseconds
        "session_id": stated.session_id or None,
        "customer_id": str(repeated_id(stated.customer_id)) if stated.customer_id else None,
        "cost": None,
        "metadata": None,
        "value": stated.value if stated.HasField("value") else None,
    }
    if stated.HasField("cost"):
        document["cost"] = {"amount_minor": stated.cost.amount_minor, "currency": stated.cost.currency}
    if stated.HasField("metadata"):
        document["metadata"] = MessageToJson(stated.metadata, indent=None)  # a text: its keys are free
    return document


def newest(documents: Iterable[Document]) -> dict[str, Document]:
    """Of each touchpoint the statement that holds, by its id."""
    found: dict[str, Document] = {}
    for document in documents:
        held = found.get(document["id"])
        if held is None or held["revision"] < document["revision"]:
            found[document["id"]] = document
    return found


def touchpoint_of(document: Document) -> Touchpoint:
    return Touchpoint(
        touchpoint_id=document["id"],
        venue_id=UUID(document["venue_id"]),
        campaign_id=_id(document["campaign_id"]),
        channel=document["channel"],
        kind=document["kind"],
        at=moment(document["at_us"]),
        session_id=document["session_id"] or "",
        customer_id=_id(document["customer_id"]),
    )


def moment(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
