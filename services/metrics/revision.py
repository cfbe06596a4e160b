"""What every platform event states: when it happened, and which of two statements about one thing holds."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event


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
        return cls(event.version, happened_at(event), UUID(event.event_id))


def happened_at(event: Event) -> datetime:
    """When the fact happened, UTC, in whole microseconds."""
    return event.occurred_at.ToDatetime(tzinfo=UTC)


@lru_cache(maxsize=65_536)
def repeated_id(text: str) -> UUID:
    """An id that many events name, such as a venue's: read once, then remembered."""
    return UUID(text)


def optional_id(text: str) -> UUID | None:
    """The id in an optional field of an event, where empty means none."""
    return repeated_id(text) if text else None
