"""Division of an amount into whole parts that add up to it."""

from collections.abc import Sequence
from itertools import accumulate, pairwise


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Parts of `total` in proportion to the weights, whole and adding up to exactly `total`.

    Each part is the difference of two rounded-down running shares, so no part is off its exact share by a
    whole unit. Where all weights are zero the first part takes everything.

    Args:
        total: Amount to divide, of either sign.
        weights: Shares, none negative, at least one.
    """
    whole = sum(weights)
    if whole == 0:
        return [total, *([0] * (len(weights) - 1))]
    reached = [total * share // whole for share in accumulate(weights, initial=0)]
    return [after - before for before, after in pairwise(reached)]
