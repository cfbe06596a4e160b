"""Figures of a window beside those of the one it is compared with; pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.metrics.sales.figures import RevenueFigures


@dataclass(frozen=True, slots=True)
class ComparedCount:
    """A count now and before; `previous` None: its facts are no longer kept."""

    current: int
    previous: int | None

    @property
    def change_ratio(self) -> float | None:
        """By how much of the earlier count it grew; None without one, or when that was 0."""
        return (self.current - self.previous) / self.previous if self.previous else None


@dataclass(frozen=True, slots=True)
class ComparedRatio:
    """A ratio now and before; None where it is not defined, or its facts are no longer kept."""

    current: float | None
    previous: float | None

    @property
    def difference(self) -> float | None:
        if self.current is None or self.previous is None:
            return None
        return self.current - self.previous


@dataclass(frozen=True, slots=True)
class ComparedMoney:
    """An amount of one currency now and before, in minor units."""

    currency: str
    current_minor: int
    previous_minor: int

    @property
    def change_ratio(self) -> float | None:
        """By how much of the earlier amount's size it grew, so that growth from a loss is positive."""
        if self.previous_minor == 0:
            return None
        return (self.current_minor - self.previous_minor) / abs(self.previous_minor)


def compared_net(
    current: Iterable[RevenueFigures], previous: Iterable[RevenueFigures]
) -> tuple[ComparedMoney, ...]:
    """Net revenue of every currency that either window has, by currency; 0 where a window has it not."""
    now = {figures.currency: figures.net_minor for figures in current}
    before = {figures.currency: figures.net_minor for figures in previous}
    return tuple(
        ComparedMoney(currency, now.get(currency, 0), before.get(currency, 0))
        for currency in sorted(now.keys() | before.keys())
    )
