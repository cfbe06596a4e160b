"""Platform events about visits, as facts: one function a type."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.revision import happened_at, optional_id, repeated_id
from libs.common.errors import InvalidField
from services.metrics.visits.facts import Step, View, VisitFact

TYPES: Final = ("page.viewed", "cart.updated", "checkout.started")
FURTHEST_AHEAD: Final = timedelta(days=31)
"""Half of what partitions are made ahead, so that there is one for every visit that is taken."""


def visit_of(event: Event) -> VisitFact:
    """What one valid event of `TYPES` says.

    Raises:
        InvalidField: It lies so far in the future that it cannot have happened.
    """
    return _DECODERS[event.type](event)


def shows_of(event: Event) -> tuple[UUID, ...]:
    """The shows that one event of `TYPES` is about, each once, in the order of their ids."""
    if event.type == "cart.updated":
        return tuple(
            sorted({repeated_id(line.event_id) for line in event.cart_updated.lines if line.event_id})
        )
    payload = event.page_viewed if event.type == "page.viewed" else event.checkout_started
    event_id = optional_id(payload.event_id)
    return () if event_id is None else (event_id,)


def _page_viewed(event: Event) -> VisitFact:
    payload = event.page_viewed
    event_id = optional_id(payload.event_id)
    step = Step.VISIT if event_id is None else Step.EVENT_PAGE
    view = View(payload.page, event_id, payload.device_class)
    return _fact(event, payload.session_id, step, view)


def _cart_updated(event: Event) -> VisitFact:
    return _fact(event, event.cart_updated.session_id, Step.CART)


def _checkout_started(event: Event) -> VisitFact:
    return _fact(event, event.checkout_started.session_id, Step.CHECKOUT)


def _fact(event: Event, session_id: str, step: Step, view: View | None = None) -> VisitFact:
    at = happened_at(event)
    if at > datetime.now(UTC) + FURTHEST_AHEAD:
        raise InvalidField.of("occurredAt", "a visit cannot lie in the future")
    return VisitFact(
        repeated_id(event.event_id), repeated_id(event.venue_id), session_id, at, step, shows_of(event), view
    )


_DECODERS: Final[Mapping[str, Callable[[Event], VisitFact]]] = {
    "page.viewed": _page_viewed,
    "cart.updated": _cart_updated,
    "checkout.started": _checkout_started,
}
