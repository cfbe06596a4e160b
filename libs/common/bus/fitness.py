"""Whether an event is fit to be applied, whoever sent it."""

from collections.abc import Callable, Mapping
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.revision import happened_at
from libs.common.errors import FieldViolation, InvalidField
from libs.common.ids import repeated_id
from libs.common.rpc.texts import problems_of_texts
from libs.common.rpc.validation import broken_rules

VENUE_FACTS: Final = frozenset(
    {
        "venue.updated",
        "event.created",
        "event.updated",
        "event.cancelled",
        "ticket_type.updated",
        "order.completed",
        "order.refunded",
        "order.cancelled",
        "page.viewed",
        "cart.updated",
        "checkout.started",
        "ticket.scanned",
        "ticket.transferred",
        "ticket.listed",
        "ticket.resold",
        "campaign.touchpoint",
    }
)
"""Types that say nothing without the venue they belong to."""

MOST_MINOR: Final = 10**13
"""Largest amount of one fact, in minor units: a million such orders still add up in 64 bits."""


def problems_of(event: Event) -> list[FieldViolation]:
    """Everything that keeps an event of unknown origin from being applied; none when it is fit.

    Beyond the contract's own rules: a time the calendar holds, a venue where the type needs one, a time zone
    that exists, texts that a database can keep, and amounts whose sums stay within 64 bits.
    """
    return [*broken_rules(event), *_problems_beyond_rules(event)]


def require_fit(event: Event) -> None:
    """Return when an event from the bus may be applied.

    Costs a third of `problems_of`: the bus has checked that type and payload agree, and reads the ids of the
    event and its tenant itself.

    Raises:
        InvalidField: It may not; names the first field at fault.
    """
    problems = [*_problems_of_payload(event), *_problems_beyond_rules(event)]
    if problems:
        raise InvalidField.of(*problems[0])


def is_time_zone(name: str) -> bool:
    """Whether the IANA database has a zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _problems_of_payload(event: Event) -> list[FieldViolation]:
    kind = event.WhichOneof("payload")
    if kind is None:
        return [FieldViolation("payload", "is required")]
    name = Event.DESCRIPTOR.fields_by_name[kind].json_name
    return [
        FieldViolation(f"{name}.{problem.field}".rstrip("."), problem.description)
        for problem in broken_rules(getattr(event, kind))
    ]


def _problems_beyond_rules(event: Event) -> list[FieldViolation]:
    problems = problems_of_texts(event)
    if not _is_in_calendar(event):
        problems.append(FieldViolation("occurredAt", "must lie between the years 1 and 9999"))
    kind = event.type
    if (kind in VENUE_FACTS or event.venue_id) and not _is_venue(event.venue_id):
        problems.append(FieldViolation("venueId", f"must be the venue's UUID in {kind}"))
    if event.HasField("venue_updated") and not is_time_zone(event.venue_updated.time_zone):
        problems.append(FieldViolation("venueUpdated.timeZone", "must be an IANA time zone"))
    amounts = _AMOUNTS.get(event.WhichOneof("payload") or "")
    if amounts is not None:
        problems.extend(
            FieldViolation(field, f"must be at most {MOST_MINOR}")
            for field, amount in amounts(event)
            if amount > MOST_MINOR
        )
    return problems


_Amounts = tuple[tuple[str, int], ...]
"""Amounts that are added up, by field, in minor units."""


def _amounts_of_order(event: Event) -> _Amounts:
    order = event.order_completed
    return (
        ("orderCompleted.gross", order.gross.amount_minor),
        ("orderCompleted.fees", order.fees.amount_minor),
        ("orderCompleted.lines", sum([line.quantity * line.unit_price_minor for line in order.lines])),
    )


def _amounts_of_refund(event: Event) -> _Amounts:
    refund = event.order_refunded
    return (
        ("orderRefunded.amount", refund.amount.amount_minor),
        ("orderRefunded.fees", refund.fees.amount_minor),
    )


def _amounts_of_listing(event: Event) -> _Amounts:
    listing = event.ticket_listed
    return (
        ("ticketListed.price", listing.price.amount_minor),
        ("ticketListed.faceValue", listing.face_value.amount_minor),
    )


def _amounts_of_resale(event: Event) -> _Amounts:
    resale = event.ticket_resold
    return (
        ("ticketResold.price", resale.price.amount_minor),
        ("ticketResold.faceValue", resale.face_value.amount_minor),
        ("ticketResold.royalty", resale.royalty.amount_minor),
    )


_AMOUNTS: Final[Mapping[str, Callable[[Event], _Amounts]]] = {
    "order_completed": _amounts_of_order,
    "order_refunded": _amounts_of_refund,
    "ticket_listed": _amounts_of_listing,
    "ticket_resold": _amounts_of_resale,
}


def _is_venue(text: str) -> bool:
    """Whether a text is the id of a venue; the zero id stands for all of a tenant's."""
    try:
        return repeated_id(text).int != 0
    except ValueError:
        return False


def _is_in_calendar(event: Event) -> bool:
    try:
        happened_at(event)
    except (ValueError, OverflowError):
        return False
    return True
