"""Splits a window into the part that rollups answer exactly and the edges that raw rows answer."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from libs.common.buckets import Window

ROLLUP: Final = timedelta(minutes=15)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Split:
    """`rolled` is cut at rollup edges; what lies between it and the window's ends is read from raw rows."""

    window: Window
    rolled_start: datetime
    rolled_end: datetime

    @property
    def needs_raw_from(self) -> datetime | None:
        """The oldest instant that has to be read from raw rows, or None when rollups suffice."""
        if self.window.start < self.rolled_start:
            return self.window.start
        return self.rolled_end if self.rolled_end < self.window.end else None


def split(window: Window) -> Split:
    """The window's whole rollup buckets and its edges; a window inside one bucket is all edge."""
    start = window.start + (_EPOCH - window.start) % ROLLUP
    end = window.end - (window.end - _EPOCH) % ROLLUP
    if start >= end:
        return Split(window, window.end, window.end)
    return Split(window, start, end)
