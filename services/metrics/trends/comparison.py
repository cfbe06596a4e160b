"""One window of a metric beside another."""

from dataclasses import dataclass

from libs.common.buckets import Window
from services.metrics.series.figures import Figures


@dataclass(frozen=True, slots=True)
class Side:
    """A metric within one window."""

    window: Window
    day_count: float
    figures: Figures

    @property
    def avg(self) -> float | None:
        return self.figures.sum / self.figures.count if self.figures.count else None

    @property
    def sum_per_day(self) -> float:
        return self.figures.sum / self.day_count


@dataclass(frozen=True, slots=True)
class Change:
    """How far a figure is from the one before; `relative` is None where that was 0."""

    absolute: float
    relative: float | None

    @classmethod
    def between(cls, previous: float, current: float) -> "Change":
        difference = current - previous
        return cls(difference, difference / abs(previous) if previous else None)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both windows and the changes between them."""

    current: Side
    previous: Side

    @property
    def sum_change(self) -> Change:
        return Change.between(self.previous.figures.sum, self.current.figures.sum)

    @property
    def count_change(self) -> Change:
        return Change.between(self.previous.figures.count, self.current.figures.count)

    @property
    def avg_change(self) -> Change | None:
        """None where a window has no value."""
        now, then = self.current.avg, self.previous.avg
        return None if now is None or then is None else Change.between(then, now)

    @property
    def sum_per_day_change(self) -> Change | None:
        """None for windows of equal length, where it says the same as `sum_change`."""
        if self.current.day_count == self.previous.day_count:
            return None
        return Change.between(self.previous.sum_per_day, self.current.sum_per_day)
