"""What the known shows of a venue are likely to bring, from how past shows sold.

A show's sales follow a booking curve: a rush from the on-sale, then a rise to the doors. The curve is the
mean daily revenue of shows by days since the on-sale in the first week, by days before the doors after it. A
show on sale gets the curve times its own size: what it sold so far over what the curve says, shrunk towards
one while there is little to judge by. Shows that come on sale after the origin are not known then: for them
stands what shows of that age sold on the same weekday lately.

Source: L. R. Weatherford and S. E. Kimes, "A comparison of forecasting methods for hotel revenue management",
Int. J. of Forecasting 19 (2003), for booking curves; B. Efron and C. Morris, "Stein's estimation rule and its
competitors", JASA 68 (1973), for the shrinkage.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from services.metrics.projections.models import WEEK, Series

_RUSH_DAYS: Final = 7
_LEAD_DAYS: Final = 90
_KEYS: Final = _RUSH_DAYS + _LEAD_DAYS + 1
_LEAST_SHOWS: Final = 5
_USUAL_WEEKS: Final = 8
_HALF_BELIEVED: Final = 0.25

Days = npt.NDArray[np.int64]


class Shows(NamedTuple):
    """Shows of one series; day 0 is the first day of its history.

    Args:
        on_sale: First day of sale of each show; may be negative or to come.
        doors: Last day of sale of each show, not before the first.
        show: Number of the show, by sale day of a show.
        day: The day, likewise.
        net: Net revenue of that show on that day, likewise.
        complete_from: Day from which on no show that sold is missing here.
    """

    on_sale: Days
    doors: Days
    show: Days
    day: Days
    net: Series
    complete_from: int = 0


class Bookings:
    """Days on which shows sell, laid out once for every origin.

    Args:
        shows: The shows.
        today: Number of the day after the history.
        days: Days from then on for which contributions are wanted.
    """

    def __init__(self, shows: Shows, today: int, days: int) -> None:
        self._shows = shows
        self._today = today
        end = today + days
        first = np.maximum(shows.on_sale, 0)
        length = np.maximum(np.minimum(shows.doors + 1, end) - first, 0)
        starts = np.cumsum(length) - length
        self._show = np.repeat(np.arange(len(length)), length)
        self._day = np.arange(length.sum()) - np.repeat(starts, length) + np.repeat(first, length)
        self._age = self._day - shows.on_sale[self._show]
        lead = np.minimum(shows.doors[self._show] - self._day, _LEAD_DAYS)
        self._key = np.where(self._age < _RUSH_DAYS, self._age, _RUSH_DAYS + lead)
        self._net = np.zeros(len(self._show))
        inside = (shows.day >= first[shows.show]) & (shows.day < first[shows.show] + length[shows.show])
        row = starts[shows.show] + shows.day - first[shows.show]
        np.add.at(self._net, row[inside], shows.net[inside])

    def contributions(self, origin: int, days: int) -> Series:
        """Expected revenue of shows on each day of the history and the `days` after it.

        Args:
            origin: The first day to forecast: sales from it on are not looked at, nor shows that are on sale
                from then on, except for those announced when it lies at the end of the history.
            days: How many to forecast.

        Returns:
            `origin + days` values; zeros where too few shows have finished to learn from.
        """
        shows = self._shows
        past = self._day < origin
        finished = shows.doors < origin
        if finished.sum() < _LEAST_SHOWS:
            return np.zeros(origin + days)
        curve = self._curve(past)
        nominal = curve[self._key]
        size = self._sizes(past, nominal, finished)
        known = shows.on_sale[self._show] < origin
        expected = nominal * np.where(known, size[self._show], 1.0)
        within = (self._day < origin + days) & known
        answer = np.bincount(self._day[within], expected[within], minlength=origin + days).astype(np.float64)
        answer[origin:] += self._to_come(origin, days, expected, nominal)
        return answer

    def _curve(self, learned_from: npt.NDArray[np.bool_]) -> Series:
        keys, net = self._key[learned_from], self._net[learned_from]
        count = np.bincount(keys, minlength=_KEYS)
        total = np.bincount(keys, net, minlength=_KEYS)
        seen = np.flatnonzero(count)
        return np.interp(np.arange(_KEYS), seen, total[seen] / count[seen])

    def _sizes(self, past: npt.NDArray[np.bool_], nominal: Series, finished: npt.NDArray[np.bool_]) -> Series:
        """Each show's revenue over the curve's; half believed once a quarter of a usual show is sold."""
        count = len(self._shows.doors)
        sold = np.bincount(self._show[past], self._net[past], minlength=count)
        expected = np.bincount(self._show[past], nominal[past], minlength=count)
        some = expected > 0
        if not (some & finished).any():
            return np.ones(count)
        half = _HALF_BELIEVED * float(np.mean(expected[some & finished]))
        size = np.ones(count)
        ratio = np.maximum(sold[some] / expected[some], 0)
        size[some] = (half + expected[some] * ratio) / (half + expected[some])
        return size

    def _to_come(self, origin: int, days: int, expected: Series, nominal: Series) -> Series:
        """Revenue of shows that come on sale from the origin on: those announced, and the usual beside them.

        Announcements are known for the day after the history only; in a week whose announced shows bring less
        than usual, the rest of the usual stands for shows that will still be announced.
        """
        usual = self._usual(origin, days, expected)
        if origin != self._today:
            return usual
        to_come = (self._shows.on_sale[self._show] >= origin) & (self._day < origin + days)
        announced = np.bincount(self._day[to_come] - origin, nominal[to_come], minlength=days)
        for start in range(0, days, WEEK):
            week = slice(start, start + WEEK)
            if (most := usual[week].sum()) > 0:
                usual[week] *= max(0.0, 1 - announced[week].sum() / most)
        return usual + announced

    def _usual(self, origin: int, days: int, expected: Series) -> Series:
        """What shows at most so many days on sale sold on the same weekdays lately."""
        first = max(origin - _USUAL_WEEKS * WEEK, 0)
        recent = (self._day >= first) & (self._day < origin)
        cells = (self._day[recent] % WEEK) * days + np.minimum(self._age[recent], days)
        inside = self._age[recent] < days
        by_age = np.bincount(cells[inside], expected[recent][inside], minlength=WEEK * days)
        young = np.cumsum(by_age[: WEEK * days].reshape(WEEK, days), axis=1)
        ahead = np.arange(days)
        weekday = (origin + ahead) % WEEK
        weeks = np.bincount(np.arange(first, origin) % WEEK, minlength=WEEK)
        return np.asarray(young[weekday, ahead] / np.maximum(weeks[weekday], 1))
