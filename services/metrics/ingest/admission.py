"""Whether an event is fit to be applied, whoever sent it."""

from datetime import UTC
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.errors import FieldViolation, InvalidField
from libs.common.rpc.validation import broken_rules

VENUE_FACTS = frozenset(
    {
        "venue.updated",
        "event.created",
        "event.updated",
        "event.cancelled",
        "ticket_type.updated",
        "order.completed",
        "order.refunded",
        "order.cancelled",
    }
)
"""Types that say nothing without the venue they belong to."""


def problems_of(event: Event) -> list[FieldViolation]:
    """Everything that keeps the event from being applied; none when it is fit.

    Beyond the contract's own rules: a time the calendar holds, a venue where the type needs one, and a time
    zone that exists.
    """
    problems = broken_rules(event)
    if not _is_in_calendar(event):
        problems.append(FieldViolation("occurredAt", "must lie between the years 1 and 9999"))
    if event.type in VENUE_FACTS and not event.venue_id:
        problems.append(FieldViolation("venueId", f"is required for {event.type}"))
    if event.HasField("venue_updated") and not is_time_zone(event.venue_updated.time_zone):
        problems.append(FieldViolation("venueUpdated.timeZone", "must be an IANA time zone"))
    return problems


def require_fit(event: Event) -> None:
    """Return when the event may be applied.

    Raises:
        InvalidField: It may not; names the first field at fault.
    """
    problems = problems_of(event)
    if problems:
        first = problems[0]
        raise InvalidField.of(first.field or "event", first.description)


def is_time_zone(name: str) -> bool:
    """Whether the IANA database has a zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _is_in_calendar(event: Event) -> bool:
    try:
        event.occurred_at.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        return False
    return True
