"""Weeks, months and quarters as a venue's clock shows them."""

from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from libs.common.buckets import Window, bucket_edges

Period = Literal["week", "month", "quarter"]

_LONGER_THAN_A_QUARTER: Final = timedelta(days=93)


def period_edges(window: Window, period: Period, clock: ZoneInfo) -> list[datetime]:
    """Edges, in UTC, of every period that the window touches: n periods have n + 1 edges.

    Quarters are those of the calendar year.

    Raises:
        WindowTooWide: More weeks or months than one answer may hold.
    """
    if period != "quarter":
        return bucket_edges(window, period, clock)
    start, end = window.start.astimezone(UTC), window.end.astimezone(UTC)
    around = Window(start - _LONGER_THAN_A_QUARTER, end + _LONGER_THAN_A_QUARTER)
    quarters = [edge for edge in bucket_edges(around, "month", clock) if _local_month(edge, clock) % 3 == 1]
    first = max(place for place, edge in enumerate(quarters) if edge <= start)
    last = min(place for place, edge in enumerate(quarters) if edge >= end)
    return quarters[first : last + 1]


def _local_month(instant: datetime, clock: ZoneInfo) -> int:
    return instant.astimezone(clock).month
