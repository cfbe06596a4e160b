"""Credit by removal: how many conversions a Markov chain over channels loses without each channel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.customers.attribution.paths import Path


@dataclass(frozen=True, slots=True)
class Removal:
    """`probability`: of a journey to convert; `effects`: the part of it lost without each channel, 0 to 1."""

    probability: float
    effects: NDArray[np.float64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """Effects that add up to 1; all 0 where nothing converts."""
        total = self.effects.sum()
        return self.effects / total if total > 0 else np.zeros_like(self.effects)


class Chain:
    """The chain of some paths; the paths' weights may change (a bootstrap's do), their channels may not.

    A state is the last `order` channels, fewer at the start of a path. A channel that follows itself is a
    transition like any other. Journeys end in conversion or in none, so a journey without conversion counts.

    Source: E. Anderl, I. Becker, F. von Wangenheim, J. H. Schumann (2016), Mapping the customer journey,
    International Journal of Research in Marketing 33. Removing a channel sends every transition into it to
    the state of no conversion; conversion probabilities are not simulated but solve (I - Q) p = R.
    """

    def __init__(self, channels: Sequence[str], paths: Sequence[Path], *, order: int = 1) -> None:
        if order < 1:
            raise ValueError("a chain remembers at least one channel")
        numbers = {channel: number for number, channel in enumerate(channels)}
        states: dict[tuple[int, ...], int] = {(): 0}
        steps: list[tuple[int, int, int]] = []
        ends: list[int] = []
        for number, path in enumerate(paths):
            state: tuple[int, ...] = ()
            for channel in path.channels:
                following = (*state, numbers[channel])[-order:]
                steps.append((number, states[state], states.setdefault(following, len(states))))
                state = following
            ends.append(states[state])
        self._size = len(states)
        self._steps = np.array(steps, np.int64).reshape(-1, 3)
        self._ends = np.array(ends, np.int64)
        self._entered = [
            np.array([place for state, place in states.items() if state and state[-1] == channel], np.int64)
            for channel in range(len(channels))
        ]

    def removal(self, conversions: NDArray[np.float64], nulls: NDArray[np.float64]) -> Removal:
        """Removal effects of the channels when the paths have these weights, exact but for rounding."""
        size = self._size
        at, source, target = self._steps.T
        moves = _summed(source * size + target, (conversions + nulls)[at], size * size).reshape(size, size)
        converted = _summed(self._ends, conversions, size)
        left = moves.sum(axis=1) + converted + _summed(self._ends, nulls, size)
        left[left == 0] = 1  # a state that these weights never reach
        moves /= left[:, None]
        converted /= left
        probability = _from_start(moves, converted)
        effects = np.zeros(len(self._entered))
        if probability > 0:
            for channel, entered in enumerate(self._entered):
                without = moves.copy()
                without[:, entered] = 0
                effects[channel] = 1 - _from_start(without, converted) / probability
        return Removal(probability, np.maximum(effects, 0))


def removal(channels: Sequence[str], paths: Sequence[Path], *, order: int = 1) -> Removal:
    """Removal effects of channels, in their order; see `Chain`."""
    return Chain(channels, paths, order=order).removal(
        np.array([path.conversions for path in paths], np.float64),
        np.array([path.nulls for path in paths], np.float64),
    )


def _summed(places: NDArray[np.int64], weights: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.bincount(places, weights, size).astype(np.float64, copy=False)


def _from_start(moves: NDArray[np.float64], converted: NDArray[np.float64]) -> float:
    """The probability of conversion from the start; every state leads to an end, so a solution exists."""
    return float(np.linalg.solve(np.eye(len(moves)) - moves, converted)[0])
