"""A window cut into whole rollup buckets, as wide as fit, and edges that only orders can answer exactly."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from libs.common.errors import InvalidField
from services.metrics.orders.sums import BUCKET_MINUTES, bucket_start


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


class Buckets(NamedTuple):
    """Whole buckets of one width."""

    minutes: int
    window: Window


class Cut(NamedTuple):
    """What a window consists of."""

    buckets: tuple[Buckets, ...]
    edges: tuple[Window, ...]


def cut(window: Window, widths: Sequence[int] = BUCKET_MINUTES) -> Cut:
    """The window as whole buckets and edges, without gap or overlap.

    Args:
        window: What to cut; it may be empty.
        widths: Minutes of the buckets, widest first: narrower ones fill what wider ones leave.
    """
    if window.start >= window.end:
        return Cut((), ())
    if not widths:
        return Cut((), (window,))
    width, *narrower = widths
    first = bucket_start(window.start, width)
    if first < window.start:
        first += timedelta(minutes=width)
    last = bucket_start(window.end, width)
    if first >= last:
        return cut(window, narrower)
    left, right = cut(Window(window.start, first), narrower), cut(Window(last, window.end), narrower)
    whole = Buckets(width, Window(first, last))
    return Cut((*left.buckets, whole, *right.buckets), left.edges + right.edges)
