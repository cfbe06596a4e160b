"""The whole periods of a window that are over; pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from libs.common.buckets import Granularity, Window, bucket_edges


def whole_periods(window: Window, unit: Granularity, clock: ZoneInfo, now: datetime) -> list[datetime]:
    """Edges, UTC, of the periods that lie within the window and ended by now; none when there is no period.

    A period that the window cuts, or that still runs, would look like a fall.

    Raises:
        WindowTooWide: Too many periods.
    """
    end = min(window.end, now)
    if window.start >= end:
        return []
    edges = [
        edge for edge in bucket_edges(Window(window.start, end), unit, clock) if window.start <= edge <= end
    ]
    return edges if len(edges) > 1 else []
