"""Figures of a segment from its sums."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

_FIRST_DAY: Final = date(2000, 1, 1)


@dataclass(slots=True)
class SegmentFigures:
    """One segment: its customers, their purchases and spend in the window by currency."""

    segment: str
    customer_count: int = 0
    order_count: int = 0
    last_day_sum: int = 0
    spends: dict[str, int] = field(default_factory=dict)

    def average_recency_days(self, as_of_day: date) -> float:
        """Mean days since the last purchase; the segment has customers."""
        mean_day = self.last_day_sum / self.customer_count
        return max((as_of_day - _FIRST_DAY).days - mean_day, 0.0)


def figures_of(segments: Iterable[str], totals: Iterable[Mapping[str, Any]]) -> dict[str, SegmentFigures]:
    """Figures of these segments, in their order; those without any sum are empty."""
    found = {segment: SegmentFigures(segment) for segment in segments}
    for total in sorted(totals, key=lambda one: (one["segment"], one["currency"])):
        figures = found[total["segment"]]
        figures.customer_count += total["customer_count"]
        figures.order_count += total["order_count"]
        figures.last_day_sum += total["last_day_sum"]
        if total["spend_minor"] or total["customer_count"]:
            figures.spends[total["currency"]] = total["spend_minor"]
    return found
