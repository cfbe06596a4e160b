"""A window cut into whole rollup buckets and the edges that only orders can answer exactly."""

from datetime import datetime
from typing import NamedTuple, Self

from libs.common.errors import InvalidField
from services.metrics.orders.sums import BUCKET, bucket_start


class Window(NamedTuple):
    """A half-open span of time, UTC."""

    start: datetime
    end: datetime

    def before(self) -> Self:
        """The window of the same length that ends where this one starts.

        Raises:
            InvalidField: It would start before the calendar does.
        """
        try:
            return type(self)(self.start - (self.end - self.start), self.start)
        except OverflowError:
            raise InvalidField.of(
                "startDate", "leaves no room for a window of this length before it"
            ) from None


class Cut(NamedTuple):
    """A window's whole 15-minute buckets (None when it holds none) and what is left at its ends."""

    buckets: Window | None
    edges: tuple[Window, ...]


def cut(window: Window) -> Cut:
    """The window as buckets and edges, without gap or overlap.

    Args:
        window: Its start is before its end.
    """
    first = bucket_start(window.start)
    if first < window.start:
        first += BUCKET
    last = bucket_start(window.end)
    if first >= last:
        return Cut(None, (window,))
    edges = (Window(window.start, first), Window(last, window.end))
    return Cut(Window(first, last), tuple(edge for edge in edges if edge.start < edge.end))
