"""Money divided among channels in whole minor units that add up to what was divided."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import floor


def largest_remainder(exact: Sequence[float], total: int) -> list[int]:
    """Whole numbers next to `exact` that add up to `total`.

    What rounding down leaves goes, unit by unit, to the largest remainders; of equal ones to the earlier.

    Args:
        exact: Shares of `total` that add up to it but for rounding; of either sign, at least one.
        total: What is divided, in minor units.
    """
    whole = [floor(share) for share in exact]
    neediest = sorted(range(len(exact)), key=lambda place: (whole[place] - exact[place], place))
    each, rest = divmod(total - sum(whole), len(exact))
    for turn, place in enumerate(neediest):
        whole[place] += each + (turn < rest)
    return whole


class Ledger:
    """Divides orders one by one and remembers what rounding still owes each channel.

    Every order's parts add up to its net. The units that rounding down leaves go to the channels that are
    owed most by the orders so far, so a channel's sum stays within a few units of its exact credit, where
    rounding each order alone would drift by a fraction of a unit an order.
    """

    def __init__(self) -> None:
        self.credit: defaultdict[tuple[str, str], int] = defaultdict(int)
        """Minor units by (channel, currency)."""
        self._owed: defaultdict[tuple[str, str], float] = defaultdict(float)

    def divide(self, net_minor: int, currency: str, weights: Mapping[str, int]) -> dict[str, int]:
        """The parts of one order's net by channel, exact before rounding because weights are whole.

        Args:
            net_minor: What the order is worth net of refunds.
            currency: Its currency.
            weights: Shares by channel, none negative, one above 0; between channels owed alike the later one
                in this mapping gets the unit.
        """
        total = sum(weights.values())
        parts: dict[str, int] = {}
        for channel, weight in weights.items():
            parts[channel], rest = divmod(net_minor * weight, total)
            self._owed[channel, currency] += rest / total
        left = net_minor - sum(parts.values())
        shared = [channel for channel in [*weights][::-1] if weights[channel]]
        shared.sort(key=lambda channel: -self._owed[channel, currency])
        for channel in shared[:left]:
            parts[channel] += 1
            self._owed[channel, currency] -= 1
        for channel, part in parts.items():
            self.credit[channel, currency] += part
        return parts
