"""Documents of sessions: what a person did in one session at one venue, the same whatever came first.

A document keeps the `MOST_STEPS` latest steps, as a set by event: taking a step again changes nothing, and
which steps are kept depends on no order. First and last moment are those of all steps ever taken.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from tickettoken.common.v1.money_pb2 import Money
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.buckets import microseconds
from libs.common.bus.revision import happened_at, repeated_id
from libs.common.mongo import Document

TYPES: Final = ("page.viewed", "cart.updated", "checkout.started")
MOST_STEPS: Final = 200
"""Steps kept of one session."""
MOST_SHOWS: Final = 20
"""Shows kept of one cart."""
_MOST_TICKETS: Final = 2**31 - 1  # what a count of the contract holds


@dataclass(frozen=True, slots=True)
class Visit:
    """One step of one person's session."""

    document_id: str
    venue_id: str
    customer_id: str
    session_id: str
    at: datetime
    step: Document

    @property
    def start(self) -> Document:
        """The session's document when nothing is known but this step."""
        return {
            "id": self.document_id,
            "venue_id": self.venue_id,
            "customer_id": self.customer_id,
            "session_id": self.session_id,
            "first_microseconds": microseconds(self.at),
            "last_microseconds": microseconds(self.at),
            "last_at": _whole_milliseconds(self.at),
            "has_more_steps": False,
            "steps": [self.step],
            "edition": 0,
        }


def visit_of(event: Event) -> Visit | None:
    """What an event of `TYPES` tells of a person; None when it names nobody.

    Steps of unknown visitors are kept nowhere here: a later sign-in must not reveal what somebody looked at
    before without having said who they are.
    """
    payload = getattr(event, event.type.replace(".", "_"))
    if not payload.customer_id:
        return None
    venue_id, customer_id = str(repeated_id(event.venue_id)), str(UUID(payload.customer_id))
    at = happened_at(event)
    step = {"event": str(repeated_id(event.event_id)), "microseconds": microseconds(at), **_told(event)}
    document_id = f"{venue_id}:{customer_id}:{payload.session_id}"
    return Visit(document_id, venue_id, customer_id, payload.session_id, at, step)


def merged(document: Document, visits: Iterable[Visit]) -> Document:
    """The document with these steps of its session.

    The `MOST_STEPS` latest of a union are the latest of the latest, so that merging commutes, associates and
    may be repeated; so do least, greatest and "more than fit".
    """
    steps = {step["event"]: step for step in document["steps"]}
    first, last = document["first_microseconds"], document["last_microseconds"]
    last_at = document["last_at"]
    for visit in visits:
        steps[visit.step["event"]] = visit.step
        first, last = min(first, visit.step["microseconds"]), max(last, visit.step["microseconds"])
        last_at = max(last_at, _whole_milliseconds(visit.at))
    ordered = sorted(steps.values(), key=lambda step: (step["microseconds"], step["event"]))
    return {
        **document,
        "first_microseconds": first,
        "last_microseconds": last,
        "last_at": last_at,
        "has_more_steps": document["has_more_steps"] or len(ordered) > MOST_STEPS,
        "steps": ordered[-MOST_STEPS:],
    }


def _told(event: Event) -> Document:
    if event.type == "page.viewed":
        page = event.page_viewed
        return {
            "kind": "page",
            "page": page.page,
            "shows": [page.event_id] if page.event_id else [],
            "device_class": page.device_class,
            "referrer": page.referrer,
        }
    if event.type == "cart.updated":
        cart = event.cart_updated
        shows = sorted({line.event_id for line in cart.lines if line.event_id})
        tickets = sum(line.quantity for line in cart.lines)
        return {
            "kind": "cart",
            "shows": shows[:MOST_SHOWS],
            "ticket_count": min(tickets, _MOST_TICKETS),
            **_value(cart.value if cart.HasField("value") else None),
        }
    checkout = event.checkout_started
    shows = [checkout.event_id] if checkout.event_id else []
    return {
        "kind": "checkout",
        "shows": shows,
        **_value(checkout.value if checkout.HasField("value") else None),
    }


def _value(value: Money | None) -> Document:
    if value is None:
        return {}
    return {"value_minor": value.amount_minor, "currency": value.currency}


def _whole_milliseconds(at: datetime) -> datetime:
    """MongoDB's dates hold no more; rounded down, so that reading one back changes nothing."""
    return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)
