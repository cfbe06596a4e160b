"""How rows of the daily tables differ from what the facts come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from services.metrics.daily.figures import DayTotals, EventDay, Row, VenueDay


@dataclass(frozen=True, slots=True)
class Differences:
    """Rows by table that are wrong, missing or too many."""

    venue_days: tuple[VenueDay, ...]
    event_days: tuple[EventDay, ...]
    visitor_count: int

    @property
    def count(self) -> int:
        return sum(self.by_table().values())

    def by_table(self) -> dict[str, int]:
        return {
            "venue_analytics": len(self.venue_days),
            "event_analytics": len(self.event_days),
            "visitor_days": self.visitor_count,
        }


def differences(standing: DayTotals, computed: DayTotals, visitor_count: int) -> Differences:
    """Where the tables are not what they must be.

    Args:
        standing: Rows as the tables hold them.
        computed: Rows as the facts have them.
        visitor_count: How many rows of visitors are wrong.
    """
    return Differences(
        _different(standing.venues, computed.venues),
        _different(standing.events, computed.events),
        visitor_count,
    )


_Key = TypeVar("_Key", VenueDay, EventDay)


def _different(standing: Mapping[_Key, Row], computed: Mapping[_Key, Row]) -> tuple[_Key, ...]:
    """A row of zeros is as good as none, since facts that were taken back leave one.

    The times of the newest facts are not compared: they may belong to facts that were taken back, or to
    statements that changed no figure.
    """
    keys = standing.keys() | computed.keys()
    return tuple(sorted(key for key in keys if _figures(standing.get(key)) != _figures(computed.get(key))))


def _figures(row: Row | None) -> tuple[int, ...] | None:
    return row.figures if row is not None and any(row.figures) else None
