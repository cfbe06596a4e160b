"""Taste: what one person's purchases tell, against the shares of all purchases at the same venues."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

DIMENSIONS: Final = ("genre", "weekday", "price_band", "lead_time", "party_size", "channel")
PRICE_BANDS: Final = ("lowest", "lower", "upper", "highest")


@dataclass(frozen=True, slots=True)
class Purchase:
    """What one purchase tells; `traits` by dimension, without those that it tells nothing about."""

    venue_id: UUID
    currency: str
    ticket_price_minor: int | None
    traits: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is bought at one venue.

    `counts` are purchases by dimension and value, price bands by currency as `price_band:<currency>`; `cuts`
    the quartiles of a ticket's price by currency.
    """

    counts: Mapping[str, Mapping[str, int]]
    cuts: Mapping[str, Sequence[int]]

    def share(self, dimension: str, value: str, currency: str) -> float | None:
        """Share of a value among the venue's purchases; None where none tells about the dimension."""
        key = f"{dimension}:{currency}" if dimension == "price_band" else dimension
        counts = self.counts.get(key, {})
        whole = sum(counts.values())
        return counts.get(value, 0) / whole if whole else None

    def price_band(self, purchase: Purchase) -> str | None:
        """The quarter of the venue's prices that the purchase is in: a price equal to a cut is below it."""
        cuts = self.cuts.get(purchase.currency)
        if cuts is None or purchase.ticket_price_minor is None:
            return None
        return PRICE_BANDS[bisect_left(cuts, purchase.ticket_price_minor)]


class Preference(NamedTuple):
    """A value, how often it was bought, and how often it would be expected; None: nothing to compare with."""

    value: str
    evidence_count: int
    expected_count: float | None

    @property
    def lift(self) -> float | None:
        """Bought over expected."""
        return self.evidence_count / self.expected_count if self.expected_count else None


class Dimension(NamedTuple):
    """Taste in one respect, the value bought most first."""

    name: str
    evidence_count: int
    preferences: tuple[Preference, ...]


def taste(purchases: Sequence[Purchase], baselines: Mapping[UUID, Baseline]) -> list[Dimension]:
    """The dimensions that purchases tell about, in the order of `DIMENSIONS`.

    The expected number of a value is the sum, over the person's purchases that tell about the dimension, of
    the value's share at the venue of each: indirect standardisation by venue (and currency, for prices), so
    that going to a jazz club is not mistaken for more love of jazz than others have who go there.

    Source: Breslow and Day (1987), Statistical Methods in Cancer Research II, section 2.3 (the ratio of
    observed to expected numbers).

    Args:
        purchases: One person's.
        baselines: Of every venue of the purchases.
    """
    found = []
    for name in DIMENSIONS:
        told = [(purchase, value) for purchase in purchases if (value := _value(name, purchase, baselines))]
        if told:
            found.append(_dimension(name, told, baselines))
    return found


def _value(name: str, purchase: Purchase, baselines: Mapping[UUID, Baseline]) -> str | None:
    if name == "price_band":
        return baselines[purchase.venue_id].price_band(purchase)
    return purchase.traits.get(name)


def _dimension(
    name: str, told: Sequence[tuple[Purchase, str]], baselines: Mapping[UUID, Baseline]
) -> Dimension:
    counts = Counter(value for _, value in told)
    places = Counter((purchase.venue_id, purchase.currency) for purchase, _ in told)

    def expected(value: str) -> float | None:
        shares = [
            (count, baselines[venue_id].share(name, value, currency))
            for (venue_id, currency), count in places.items()
        ]
        if any(share is None for _, share in shares):
            return None
        return sum(count * (share or 0.0) for count, share in shares)

    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    preferences = tuple(Preference(value, count, expected(value)) for value, count in ordered)
    return Dimension(name, len(told), preferences)
