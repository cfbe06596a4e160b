"""What a request asks about a metric, by which dimension, and over which periods."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.buckets import Granularity, Window, bucket_edges
from libs.common.errors import InvalidField
from services.metrics.series.questions import dimensions_of
from services.metrics.series.selection import Selection

_LONGEST: Final = {
    "hour": timedelta(hours=1),
    "day": timedelta(hours=26),
    "week": timedelta(days=8),
    "month": timedelta(days=32),
}


class _Request(Protocol):
    venue_id: str
    metric_type: str

    @property
    def dimension(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Question:
    """Series, and the dimension to answer by; None for none."""

    selection: Selection
    label: str | None


def question_of(tenant_id: UUID, request: _Request) -> Question:
    """What is asked.

    Raises:
        InvalidField: Two dimensions stand without a value, or two values for one key.
    """
    labels = [text for text in request.dimension if "=" not in text]
    if len(labels) > 1:
        raise InvalidField.of("dimension", "names two dimensions to answer by; at most one may")
    filters = dimensions_of([text for text in request.dimension if "=" in text])
    selection = Selection(tenant_id, UUID(request.venue_id), request.metric_type, filters)
    return Question(selection, labels[0] if labels else None)


def complete_periods(count: int, unit: Granularity, clock: ZoneInfo, now: datetime) -> list[datetime]:
    """Edges of the last `count` periods that are over, UTC."""
    running = now + timedelta(microseconds=1)
    edges = bucket_edges(Window(now - (count + 1) * _LONGEST[unit], running), unit, clock)
    return edges[-count - 2 : -1]


def day_count(window: Window, clock: ZoneInfo) -> float:
    """Length in the zone's days: every date counts 1, whatever its hours."""
    return _days_until(window.end, clock) - _days_until(window.start, clock)


def _days_until(instant: datetime, clock: ZoneInfo) -> float:
    start, end = bucket_edges(Window(instant, instant + timedelta(microseconds=1)), "day", clock)
    return instant.astimezone(clock).date().toordinal() + (instant.astimezone(UTC) - start) / (end - start)
