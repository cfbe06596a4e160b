"""Buckets of any edges as few ranges of rollup rows and of order lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from services.metrics.revenue.windows import Window, cut


@dataclass(frozen=True, slots=True)
class Spans:
    """What all buckets together consist of.

    `rolled` are ranges of whole rollup buckets by their minutes; none of them straddles an edge, so its start
    tells which bucket it belongs to. `raw` are ranges that only order lines can tell. Each kind is in the
    order of time, without overlap, and neighbours are joined, so that many small buckets are one range.
    """

    rolled: tuple[tuple[int, Window], ...]
    raw: tuple[Window, ...]


def spans_of(edges: Sequence[datetime]) -> Spans:
    """The ranges behind buckets.

    Args:
        edges: Ascending instants, UTC; n buckets have n + 1 edges.
    """
    rolled: dict[int, list[Window]] = {}
    raw: list[Window] = []
    for start, end in pairwise(edges):
        buckets, remains = cut(Window(start, end))
        for minutes, window in buckets:
            rolled.setdefault(minutes, []).append(window)
        raw.extend(remains)
    return Spans(
        tuple((minutes, window) for minutes, windows in rolled.items() for window in _joined(windows)),
        tuple(_joined(raw)),
    )


def _joined(windows: Iterable[Window]) -> list[Window]:
    joined: list[Window] = []
    for window in sorted(windows):
        if joined and joined[-1].end == window.start:
            joined[-1] = Window(joined[-1].start, window.end)
        else:
            joined.append(window)
    return joined
