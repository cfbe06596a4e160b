"""What a back-test chooses from: models, on all revenue or beside the known shows, alone or with last year.

Source: J. M. Bates and C. W. J. Granger, "The combination of forecasts", Operational Research Quarterly 20
(1969), for means of forecasts.
"""

from functools import cache
from typing import Final, NamedTuple

import numpy as np

from services.metrics.projections.back_test import LEAST_PAST
from services.metrics.projections.booking import Bookings, Shows
from services.metrics.projections.models import (
    Model,
    Series,
    ets,
    last_year,
    seasonal_naive,
    theta,
    weekday_median,
)

MEAN: Final = "mean"
_MODELS: Final[dict[str, Model]] = {
    "seasonal_naive": seasonal_naive,
    "ets": ets,
    "theta": theta,
    "weekday_median": weekday_median,
}
_AVERAGED: Final = ("ets", "theta", "weekday_median")
_CHOSEN_FROM: Final = ("ets", "theta", MEAN)


class Candidate(NamedTuple):
    """A model, on all revenue or on what known shows leave of it, alone or averaged with last year's days."""

    model: str
    uses_shows: bool = False
    uses_last_year: bool = False


YARDSTICK: Final = Candidate("seasonal_naive")


class Candidates:
    """Forecasts of one history; what several candidates share is fitted once.

    Args:
        net: Net revenue by day.
        shows: Shows, by its day numbers.
        days: The most days that are forecast from its end.
    """

    def __init__(self, net: Series, shows: Shows, days: int) -> None:
        self._net = net
        self._shows = shows
        self._explained = cache(Bookings(shows, len(net), days).contributions)
        self._fitted = cache(self._fit)

    def all(self) -> list[Candidate]:
        """The yardstick first, then every model in every way that this history allows."""
        ways = [Candidate(model) for model in _CHOSEN_FROM]
        if last_year(self._net, 1) is not None:
            ways += [Candidate(model, uses_last_year=True) for model in _CHOSEN_FROM]
        if len(self._shows.doors) > 0:
            ways += [Candidate(model, uses_shows=True) for model in _CHOSEN_FROM]
        return [YARDSTICK, *ways]

    def forecast(self, candidate: Candidate, origin: int, days: int) -> Series | None:
        """The days from an origin on, never negative where no day was; None where last year is not known.

        Args:
            candidate: One of these.
            origin: First day to forecast; nothing from it on is looked at.
            days: How many to forecast.
        """
        past = self._net[:origin]
        expected = self._fitted(candidate._replace(uses_last_year=False), origin, days)
        if candidate.uses_last_year:
            again = last_year(past, days)
            if again is None:
                return None
            expected = (expected + again) / 2
        return np.maximum(expected, 0) if past.min() >= 0 else expected

    def _fit(self, one: Candidate, origin: int, days: int) -> Series:
        if one.model == MEAN:
            parts = [self._fitted(one._replace(model=part), origin, days) for part in _AVERAGED]
            return np.asarray(np.mean(parts, axis=0))
        model = _MODELS[one.model]
        if not one.uses_shows:
            return model(self._net[:origin], days)
        first = min(self._shows.complete_from, origin - LEAST_PAST)
        of_shows = self._explained(origin, days)
        rest = self._net[first:origin] - of_shows[first:origin]
        return model(rest, days) + of_shows[origin:]
