"""Credits of all channels by any model, in conversions and in money, with their intervals."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.customers.attribution.apportioning import Ledger, largest_remainder
from services.customers.attribution.intervals import bootstrap
from services.customers.attribution.markov import Chain
from services.customers.attribution.paths import Paths
from services.customers.attribution.rules import RULES, Rule, time_decay, weights_of
from services.customers.attribution.shapley import Game
from services.customers.errors import TooFewPaths

FEWEST_PATHS: Final = 100
"""Journeys that a data-driven model needs."""
MODELS: Final = (*RULES, "data_driven", "shapley")

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Credit:
    """One channel's part; `low` and `high` enclose the conversions where intervals were asked for.

    `standard_error` is that of sampling permutations and None where the model is exact.
    """

    channel: str
    conversions: float
    net_minor: Mapping[str, int]
    low: float | None
    high: float | None
    standard_error: float | None


@dataclass(frozen=True, slots=True)
class _Model:
    """Kinds of journeys as observed, conversions by channel from such counts, and money by channel."""

    observed: NDArray[np.int64]
    credit: Callable[[_Floats], _Floats]
    money: Mapping[tuple[str, str], int]
    errors: _Floats | None = None


def attribute(
    paths: Paths, model: str, *, half_life: int | None = None, resamples: int = 0, seed: int = 0
) -> tuple[Credit, ...]:
    """Each channel's credit, in the order of `paths.channels`.

    Conversions add up to the number of journeys with an order, money by currency to those orders' net. Rules
    divide every order by itself; data-driven models divide the sum of each currency.

    Args:
        paths: What was observed.
        model: One of `MODELS`.
        half_life: Of time decay in microseconds; None: 7 days.
        resamples: Of the bootstrap that makes 80% intervals; 0: none.
        seed: Of everything drawn at random.

    Raises:
        TooFewPaths: A data-driven model and fewer than 100 journeys.
    """
    fitted = _fitted(paths, model, half_life, seed)
    conversions = fitted.credit(fitted.observed.astype(np.float64))
    low = high = None
    if resamples and fitted.observed.any():
        low, high = bootstrap(fitted.observed, fitted.credit, resamples=resamples, seed=seed)
    currencies = sorted({currency for journey in paths.journeys for currency, _ in journey.order.money})
    return tuple(
        Credit(
            channel,
            float(conversions[place]),
            {currency: fitted.money.get((channel, currency), 0) for currency in currencies},
            _at(low, place),
            _at(high, place),
            _at(fitted.errors, place),
        )
        for place, channel in enumerate(paths.channels)
    )


def _fitted(paths: Paths, model: str, half_life: int | None, seed: int) -> _Model:
    if model in RULES:
        rule = RULES[model] if half_life is None or model != "time_decay" else time_decay(half_life)
        return _by_rule(paths, rule)
    if model not in MODELS:
        raise ValueError(f"{model} is none of {', '.join(MODELS)}")
    if paths.count < FEWEST_PATHS:
        raise TooFewPaths(
            f"{model} needs at least {FEWEST_PATHS} paths", path_count=paths.count, minimum=FEWEST_PATHS
        )
    return _by_removal(paths) if model == "data_driven" else _by_value(paths, seed)


def _by_rule(paths: Paths, rule: Rule) -> _Model:
    numbers = {channel: number for number, channel in enumerate(paths.channels)}
    ledger = Ledger()
    entries: list[tuple[int, int]] = []
    shares: list[float] = []
    for number, journey in enumerate(paths.journeys):
        weights = weights_of(journey, rule)
        for currency, net in journey.order.money:
            ledger.divide(net, currency, weights)
        total = sum(weights.values())
        entries += ((number, numbers[channel]) for channel in weights)
        shares += (weight / total for weight in weights.values())
    at, channel = np.array(entries, np.int64).reshape(-1, 2).T
    part = np.array(shares, np.float64)
    nulls = sum(path.nulls for path in paths.paths)

    def credit(counts: _Floats) -> _Floats:
        return np.bincount(channel, counts[at] * part, len(numbers)).astype(np.float64, copy=False)

    return _Model(np.array([*([1] * len(paths.journeys)), nulls], np.int64), credit, ledger.credit)


def _by_removal(paths: Paths) -> _Model:
    chain = Chain(paths.channels, paths.paths)

    def credit(counts: _Floats) -> _Floats:
        conversions, nulls = counts.reshape(2, -1)
        return np.asarray(chain.removal(conversions, nulls).shares * conversions.sum())

    observed = _observed(paths)
    shares = credit(observed.astype(np.float64))
    return _Model(observed, credit, _divided(paths, lambda worth: shares * worth.sum() / shares.sum()))


def _by_value(paths: Paths, seed: int) -> _Model:
    numbers = {channel: number for number, channel in enumerate(paths.channels)}
    sets = [{numbers[channel] for channel in path.channels} for path in paths.paths]
    game = Game(len(numbers), sets, seed=seed)

    def credit(counts: _Floats) -> _Floats:
        return game.credits(counts[: len(sets)])

    observed = _observed(paths)
    errors = game.standard_errors(observed[: len(sets)].astype(np.float64))
    return _Model(observed, credit, _divided(paths, game.credits), errors)


def _observed(paths: Paths) -> NDArray[np.int64]:
    """Journeys by path, those with an order first, then those without."""
    return np.array(
        [*(path.conversions for path in paths.paths), *(path.nulls for path in paths.paths)], np.int64
    )


def _divided(paths: Paths, credit: Callable[[_Floats], _Floats]) -> dict[tuple[str, str], int]:
    """Money by channel and currency, when `credit` divides the worth of the paths."""
    worths: defaultdict[str, defaultdict[tuple[str, ...], int]] = defaultdict(lambda: defaultdict(int))
    for journey in paths.journeys:
        for currency, net in journey.order.money:
            worths[currency][journey.channels] += net
    divided: dict[tuple[str, str], int] = {}
    for currency, worth in worths.items():
        exact = credit(np.array([worth[path.channels] for path in paths.paths], np.float64))
        parts = largest_remainder(exact.tolist(), sum(worth.values()))
        divided |= {(channel, currency): part for channel, part in zip(paths.channels, parts, strict=True)}
    return divided


def _at(values: _Floats | None, place: int) -> float | None:
    return None if values is None else float(values[place])
