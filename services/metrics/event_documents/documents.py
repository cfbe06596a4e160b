"""Statements about a show, and the document that they make together, whatever their order of arrival."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from google.protobuf.json_format import MessageToDict
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.buckets import microseconds
from libs.common.bus.revision import happened_at
from libs.common.mongo import Document

STATED_TYPES: Final = ("event.created", "event.updated", "event.cancelled", "ticket_type.updated")
MOST_STATEMENTS: Final = 200
"""Statements in a history: the newest by their own time. All others are among the raw events."""


class Statement(NamedTuple):
    """What one event states about a show."""

    event_id: str
    show_id: str
    venue_id: str
    type: str
    version: int
    stated_microseconds: int
    stated: Document

    @property
    def revision(self) -> list[Any]:
        """Of two statements about one thing the greater holds; a creation comes before every update."""
        version = 0 if self.type == "event.created" else self.version
        return [version, self.stated_microseconds, self.event_id]


def statement_of(event: Event) -> Statement:
    """What a valid event of `STATED_TYPES` states; its payload as proto3 JSON."""
    stated = MessageToDict(getattr(event, event.WhichOneof("payload") or ""))
    return Statement(
        event_id=event.event_id.lower(),
        show_id=stated.pop("eventId").lower(),
        venue_id=event.venue_id.lower(),
        type=event.type,
        version=event.version,
        stated_microseconds=microseconds(happened_at(event)),
        stated=stated,
    )


def empty_document(show_id: str) -> Document:
    """The document of a show that nothing has been stated about."""
    return {
        "id": show_id,
        "edition": 0,
        "venue_id": None,
        "show": None,
        "cancelled_microseconds": None,
        "ticket_types": {},
        "statements": [],
    }


def merged(document: Document, statements: Iterable[Statement]) -> Document:
    """The document with more statements in it: the same whatever came first, and however often.

    A ticket type that is given to another show later stays here as it was last described for this one.
    """
    result = {**document, "ticket_types": {**document["ticket_types"]}}
    history = {one["event_id"]: one for one in document["statements"]}
    for statement in statements:
        history[statement.event_id] = _entry(statement)
        _MERGES[statement.type](result, statement)
    kept = sorted(history.values(), key=lambda one: (one["stated_microseconds"], one["event_id"]))
    result["statements"] = kept[-MOST_STATEMENTS:]
    return result


def changes(statements: Sequence[Document]) -> Iterator[tuple[Document, Document]]:
    """Each statement of a history with the fields in which it differs from the last about the same thing.

    Args:
        statements: Oldest first. A field that is no longer stated is None.
    """
    before: dict[str, Document] = {}
    for one in statements:
        stated: Document = one["stated"].get("show", one["stated"])
        subject: str = stated.get("ticketTypeId") or one["type"].replace("created", "updated")
        last = before.get(subject, {})
        before[subject] = stated
        fields = [*stated, *(field for field in last if field not in stated)]
        yield one, {field: stated.get(field) for field in fields if stated.get(field) != last.get(field)}


def _entry(statement: Statement) -> Document:
    return {
        "event_id": statement.event_id,
        "type": statement.type,
        "version": statement.version,
        "stated_microseconds": statement.stated_microseconds,
        "venue_id": statement.venue_id,
        "stated": statement.stated,
    }


def _describe(result: Document, statement: Statement) -> None:
    held = result["show"]
    if held is None or held["revision"] < statement.revision:
        result["show"] = {"revision": statement.revision, **statement.stated["show"]}
        result["venue_id"] = statement.venue_id


def _cancel(result: Document, statement: Statement) -> None:
    held = result["cancelled_microseconds"]
    at = statement.stated_microseconds
    result["cancelled_microseconds"] = at if held is None else max(held, at)


def _describe_type(result: Document, statement: Statement) -> None:
    type_id = statement.stated["ticketTypeId"]
    held = result["ticket_types"].get(type_id)
    if held is None or held["revision"] < statement.revision:
        result["ticket_types"][type_id] = {"revision": statement.revision, **statement.stated}


_MERGES: Final[dict[str, Callable[[Document, Statement], None]]] = {
    "event.created": _describe,
    "event.updated": _describe,
    "event.cancelled": _cancel,
    "ticket_type.updated": _describe_type,
}
