"""Buckets of any edges as few ranges of rollup rows and of order lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from services.metrics.rollup_buckets import Span, cut


@dataclass(frozen=True, slots=True)
class Spans:
    """What all buckets together consist of.

    `rolled` are ranges of whole rollup buckets by their minutes; none of them straddles an edge, so its start
    tells which bucket it belongs to. `raw` are ranges that only order lines can tell. Each kind is in the
    order of time, without overlap, and neighbours are joined, so that many small buckets are one range.
    """

    rolled: tuple[tuple[int, Span], ...]
    raw: tuple[Span, ...]


def spans_of(edges: Sequence[datetime]) -> Spans:
    """The ranges behind buckets.

    Args:
        edges: Ascending instants, UTC; n buckets have n + 1 edges.
    """
    rolled: dict[int, list[Span]] = {}
    raw: list[Span] = []
    for start, end in pairwise(edges):
        buckets, remains = cut(Span(start, end))
        for minutes, span in buckets:
            rolled.setdefault(minutes, []).append(span)
        raw.extend(remains)
    return Spans(
        tuple((minutes, span) for minutes, spans in rolled.items() for span in _joined(spans)),
        tuple(_joined(raw)),
    )


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and joined[-1].end == span.start:
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    return joined
