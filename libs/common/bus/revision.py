"""What every platform event states: when it happened, and which of two statements about one thing holds."""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.ids import repeated_id

__all__ = ("Revision", "happened_at", "optional_id", "repeated_id")


class Revision(NamedTuple):
    """When a statement about an entity was made; the greatest one holds.

    The producer's `version` decides. Time and event id only break ties (an order that is never restated has
    version 0), so that any two statements have one order on every replica.
    """

    version: int
    occurred_at: datetime
    event_id: UUID

    @classmethod
    def of(cls, event: Event) -> "Revision":
        """The revision that a platform event states."""
        return cls(event.version, happened_at(event), repeated_id(event.event_id))


def happened_at(event: Event) -> datetime:
    """When the fact happened, UTC, in whole microseconds.

    Every event is asked several times, so this is the arithmetic of `Timestamp.ToDatetime` in a third of its
    time.

    Raises:
        ValueError: The calendar does not hold it.
        OverflowError: The same.
    """
    stamp = event.occurred_at
    try:
        return datetime.fromtimestamp(stamp.seconds, UTC).replace(microsecond=stamp.nanos // 1000)
    except OSError as error:
        raise OverflowError("no such second") from error


def optional_id(text: str) -> UUID | None:
    """The id in an optional field of an event, where empty means none."""
    return repeated_id(text) if text else None
