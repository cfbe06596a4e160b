"""Credit by Shapley value, where a set of channels is worth the conversions of journeys inside it."""

from collections.abc import Iterable, Sequence
from math import factorial
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_EXACT: Final = 15
"""Channels up to which every set of them is evaluated."""


class Game:
    """The game of some channel sets; their worths may change (a bootstrap's do), the sets may not.

    Counting conversions makes the game monotone, so no credit is negative; with conversion rates as the worth
    of a set some would be.

    Source: L. S. Shapley (1953), A value for n-person games, Contributions to the Theory of Games II; for
    more than 15 channels the estimate of J. Castro, D. Gomez, J. Tejada (2009), Polynomial calculation of the
    Shapley value based on sampling, Computers & Operations Research 36.

    Args:
        channels: How many there are.
        sets: The distinct channels of each journey or path, as numbers; none empty.
        permutations: Sampled orders of the channels, where there are more than 15.
        seed: Of the sample: the same one gives the same credits.
    """

    def __init__(
        self, channels: int, sets: Sequence[Iterable[int]], *, permutations: int = 2000, seed: int = 0
    ) -> None:
        self._channels = channels
        members = [sorted(set(each)) for each in sets]
        self.is_exact = channels <= MOST_EXACT
        if self.is_exact:
            self._masks = np.array([sum(1 << channel for channel in each) for each in members], np.int64)
        else:
            self._completed_by = _completed_by(channels, members, permutations, seed)
            self._shares = _shares(channels, self._completed_by)

    def credits(self, worth: NDArray[np.float64]) -> NDArray[np.float64]:
        """The value of each channel when the sets add this worth; all together they add up to its sum."""
        if not self.is_exact:
            return np.asarray(self._shares @ worth)
        table = _worth_of_all_sets(self._channels, self._masks, worth)
        sizes = np.bitwise_count(np.arange(len(table))).astype(np.int64)
        count = self._channels
        share = np.array(
            [
                factorial(size) * factorial(count - size - 1) / factorial(count) if size < count else 0.0
                for size in range(count + 1)
            ]
        )
        weight = share[sizes]
        return np.array([_value(table, weight, channel) for channel in range(count)])

    def standard_errors(self, worth: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """One standard error of sampling for each credit; None where nothing was sampled."""
        if self.is_exact:
            return None
        sampled = self._sampled(worth)
        return np.asarray(sampled.std(axis=0, ddof=1) / np.sqrt(len(sampled)))

    def _sampled(self, worth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Marginal worths, permutations by channels: a set's worth goes to the member that completes it."""
        return np.array([np.bincount(last, worth, self._channels) for last in self._completed_by])


def _worth_of_all_sets(
    channels: int, masks: NDArray[np.int64], worth: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The worth of every set of channels: the sum over the journeys whose channels all lie in it."""
    table = np.bincount(masks, worth, 1 << channels).astype(np.float64, copy=False)
    for channel in range(channels):
        halves = table.reshape(-1, 2, 1 << channel)
        halves[:, 1] += halves[:, 0]
    return table


def _value(table: NDArray[np.float64], weight: NDArray[np.float64], channel: int) -> float:
    """The channel's mean marginal worth; `weight` is that of a set without it."""
    halves = table.reshape(-1, 2, 1 << channel)
    return float(((halves[:, 1] - halves[:, 0]) * weight.reshape(-1, 2, 1 << channel)[:, 0]).sum())


def _completed_by(
    channels: int, members: Sequence[Sequence[int]], permutations: int, seed: int
) -> list[NDArray[np.int64]]:
    """Of each sampled permutation, which member of each set comes last."""
    if permutations < 2:
        raise ValueError("an error of sampling needs two permutations")
    generator = np.random.default_rng(seed)
    width = max(map(len, members), default=1)
    padded = np.array([[*each, *([channels] * (width - len(each)))] for each in members], np.int64)
    padded = padded.reshape(-1, width)
    rows = np.arange(len(padded))
    completed = []
    for _ in range(permutations):
        places = np.append(generator.permutation(channels), -1)
        completed.append(padded[rows, places[padded].argmax(axis=1)])
    return completed


def _shares(channels: int, completed_by: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Channels by sets: in which part of the permutations the channel completes the set."""
    counts = np.zeros((channels, len(completed_by[0])))
    columns = np.arange(counts.shape[1])
    for last in completed_by:
        counts[last, columns] += 1
    return counts / len(completed_by)
