"""Where a customer stands among a venue's customers, by hundredths."""

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

LEAST_CUSTOMERS: Final = 20
"""Of fewer, a rank would say more about single people than about the one asked for."""


class Counted(NamedTuple):
    """How many customers there are, and the 99 values between hundredths of them, the lowest first."""

    customer_count: int
    cuts: Sequence[int]

    def rank_ratio(self, value: int) -> float | None:
        """Share of the customers below a value, in steps of a hundredth; None among too few of them."""
        if self.customer_count < LEAST_CUSTOMERS:
            return None
        return bisect_left(self.cuts, value) / 100


@dataclass(frozen=True, slots=True)
class Spread:
    """Spend of a venue's customers by currency, and how often they bought."""

    spends: Mapping[str, Counted]
    orders: Counted

    def to_bytes(self) -> bytes:
        return json.dumps([self.spends, self.orders]).encode()

    @classmethod
    def from_bytes(cls, packed: bytes) -> Self:
        spends, orders = json.loads(packed)
        return cls({currency: Counted(*counted) for currency, counted in spends.items()}, Counted(*orders))
