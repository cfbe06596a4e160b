"""Who a platform event names, and the same event with pseudonyms in their place."""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from google.protobuf.descriptor import FieldDescriptor
from tickettoken.events.v1.envelope_pb2 import Event

_PAYLOADS: Final = Event.DESCRIPTOR.oneofs_by_name["payload"].fields
PERSON_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    payload.name: tuple(
        field.name
        for field in (payload.message_type.fields if payload.message_type else ())
        if field.type == FieldDescriptor.TYPE_STRING and field.name.endswith("customer_id")
    )
    for payload in _PAYLOADS
}
"""Fields of each payload that hold a customer's id, read from the contract so that none can be forgotten."""

_PROFILES: Final = frozenset({"customer_registered", "customer_updated"})
_CUSTOMER: Final = "customer"


def persons_of(event: Event) -> Iterator[UUID]:
    """Ids of the people an event names, also as the thing an audited action was done to.

    Raises:
        ValueError: A field that holds an id holds none.
    """
    for _message, _field, person in _places(event):
        yield person


def renamed(event: Event, pseudonyms: Mapping[UUID, UUID]) -> Event | None:
    """The event with pseudonyms for ids; itself when it names none of these people.

    Args:
        event: A decodable event.
        pseudonyms: By the id they stand for.

    Returns:
        A copy, or None for a profile of such a person: it says nothing but who they are.
    """
    if not any(person in pseudonyms for person in persons_of(event)):
        return event
    kind = event.WhichOneof("payload") or ""
    if kind in _PROFILES:
        return None
    copy = Event()
    copy.CopyFrom(event)
    entity = _id_or_none(event.entity_id)
    if entity is not None and entity in pseudonyms:
        copy.entity_id = str(pseudonyms[entity])
    for message, field, person in list(_places(copy)):
        if person in pseudonyms:
            setattr(message, field, str(pseudonyms[person]))
    _clear_free_texts(copy, pseudonyms)
    return copy


def _clear_free_texts(event: Event, pseudonyms: Mapping[UUID, UUID]) -> None:
    """Take out what may say who somebody is in other places than the fields for it."""
    if event.HasField("page_viewed"):
        for person, pseudonym in pseudonyms.items():
            id_in_path = re.compile(re.escape(str(person)), re.IGNORECASE)
            event.page_viewed.page = id_in_path.sub(str(pseudonym), event.page_viewed.page)
    if event.HasField("campaign_touchpoint"):
        event.campaign_touchpoint.ClearField("metadata")


def _places(event: Event) -> Iterator[tuple[object, str, UUID]]:
    kind = event.WhichOneof("payload") or ""
    payload = getattr(event, kind) if kind else None
    for field in PERSON_FIELDS.get(kind, ()):
        if text := getattr(payload, field):
            yield payload, field, UUID(text)
    if kind == "audit_recorded" and event.audit_recorded.resource_type == _CUSTOMER:
        person = _id_or_none(event.audit_recorded.resource_id)
        if person is not None:
            yield payload, "resource_id", person


def _id_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
