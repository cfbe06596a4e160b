"""The buckets in which rollups of facts are kept, and spans of time cut into them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

BUCKET_MINUTES: Final = (1440, 15)
"""Widths of the buckets, widest first. 15 minutes cut days correctly in every zone, also at +05:45."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """A half-open range of rows as a statement binds it, UTC; it may be empty."""

    start: datetime
    end: datetime


class Buckets(NamedTuple):
    """Whole buckets of one width."""

    minutes: int
    span: Span


class Cut(NamedTuple):
    """What a span consists of: buckets that rollups hold, and edges that only the facts answer exactly."""

    buckets: tuple[Buckets, ...]
    edges: tuple[Span, ...]


def cut(span: Span, widths: Sequence[int] = BUCKET_MINUTES) -> Cut:
    """The span as whole buckets, as wide as fit, and edges, without gap or overlap.

    Args:
        span: What to cut.
        widths: Minutes of the buckets, widest first: narrower ones fill what wider ones leave.
    """
    if span.start >= span.end:
        return Cut((), ())
    if not widths:
        return Cut((), (span,))
    width, *narrower = widths
    first = bucket_start(span.start, width)
    if first < span.start:
        first += timedelta(minutes=width)
    last = bucket_start(span.end, width)
    if first >= last:
        return cut(span, narrower)
    left, right = cut(Span(span.start, first), narrower), cut(Span(last, span.end), narrower)
    whole = Buckets(width, Span(first, last))
    return Cut((*left.buckets, whole, *right.buckets), left.edges + right.edges)


def bucket_start(moment: datetime, minutes: int) -> datetime:
    """Start of the UTC bucket of this width that holds the moment."""
    return moment - (moment - _EPOCH) % timedelta(minutes=minutes)
