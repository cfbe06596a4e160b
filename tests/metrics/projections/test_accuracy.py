"""Held-out weeks: better than repeating the last week, and inside the interval as often as it says.

No model, fold count or interval was tuned on these series, neither on the public one nor on the season of
this seed. Origins follow one rule: the last one just so early that the horizon still fits, then every fourth
week before it with twelve weeks of past at least; of the season, which takes longer, every sixteenth.
"""

from collections import defaultdict
from csv import reader
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import numpy as np
import pytest

from deploy.local.simulator.season import play
from deploy.local.simulator.world import SIZES, Ids
from services.metrics.projections.booking import Shows
from services.metrics.projections.projection import project

SALES = Path(__file__).parents[2] / "data" / "online_retail_daily.csv"
NO_SHOWS = Shows(*(np.empty(0, dtype=np.int64) for _ in range(4)), np.empty(0))
SIZE = replace(
    SIZES["full"], venue_count=2, future_days=60, past_days=240, seat_factor=0.15, customers_per_venue=1_000
)
DAYS = 28
LEAST_PAST = 84


def histories(seed):
    """Daily net revenue and shows of each venue of a season, by local day."""
    season = play(Ids(UUID(int=9), seed), SIZE, date(2026, 3, 2))
    returned = defaultdict(int)
    for refund in season.refunds:
        returned[refund.order.id] += refund.amount_minor - refund.fees_minor
    for venue in season.venues:
        orders = [order for order in season.orders if order.show.venue.id == venue.id]

        def local(moment, zone=venue.zone):
            return moment.astimezone(zone).date()

        first, last = min(local(order.sold_at) for order in orders), date(2026, 3, 1)
        shows = {
            show.id: number
            for number, show in enumerate({order.show.id: order.show for order in orders}.values())
        }
        known = list({order.show.id: order.show for order in orders}.values())
        net = np.zeros((last - first).days)
        sales = []
        for order in orders:
            day = (local(order.sold_at) - first).days
            if day < len(net):
                amount = order.gross_minor - order.fees_minor - returned[order.id]
                net[day] += amount
                sales.append((shows[order.show.id], day, amount))
        columns = np.array(sales).T
        yield (
            net,
            Shows(
                np.array([(local(show.on_sale_at) - first).days for show in known]),
                np.array([(local(show.doors_at) - first).days for show in known]),
                columns[0],
                columns[1],
                columns[2].astype(float),
            ),
        )


def known_at(shows, origin):
    """What a caller could know of the shows on that day."""
    known = shows.on_sale < origin
    number = np.cumsum(known) - 1
    sold = (shows.day < origin) & known[shows.show]
    return Shows(
        shows.on_sale[known],
        shows.doors[known],
        number[shows.show[sold]],
        shows.day[sold],
        shows.net[sold],
    )


class Judged(NamedTuple):
    """Means over held-out days, the first one being the day after the running one.

    Errors are scaled in-sample (Hyndman and Koehler 2006): by that of repeating a week within the past.
    """

    scaled_error: float
    naive_scaled_error: float
    coverage: float
    sum_coverage: float


def origins(day_count, weeks_apart):
    return range(day_count - DAYS - 1, LEAST_PAST - 1, -7 * weeks_apart)


def judged(cases):
    """Cases are a series, its shows, and an origin."""
    rows = []
    for net, shows, origin in cases:
        past, actual = net[:origin], net[origin + 1 : origin + 1 + DAYS]
        projected = project(past, known_at(shows, origin), DAYS)
        scale = np.mean(np.abs(past[7:] - past[:-7]))
        again = np.resize(past[-7:], DAYS + 1)[1:]
        rows.append(
            (
                np.mean(np.abs(actual - projected.expected)) / scale,
                np.mean(np.abs(actual - again)) / scale,
                np.mean((projected.low <= actual) & (actual <= projected.high)),
                projected.total[0] <= actual.sum() <= projected.total[1],
            )
        )
    return Judged(*np.mean(rows, axis=0))


def test_a_season_is_projected_better_than_by_repeating_its_last_week():
    cases = [(net, shows, origin) for net, shows in histories(21) for origin in origins(len(net), 16)]

    measured = judged(cases)

    assert measured.scaled_error < 1
    assert measured.scaled_error < measured.naive_scaled_error
    assert 0.7 <= measured.coverage <= 0.9


def test_daily_sales_of_a_real_shop_are_projected_better_than_by_repeating_their_last_week():
    with SALES.open() as file:
        net = np.array([float(amount) for _, amount in islice(reader(file), 3, None)])

    measured = judged([(net, NO_SHOWS, origin) for origin in origins(len(net), 4)])

    assert measured.scaled_error < 1
    assert measured.scaled_error < measured.naive_scaled_error
    assert 0.7 <= measured.coverage <= 0.9
    assert measured.sum_coverage >= 0.7


def test_a_year_that_comes_again_is_foreseen():
    """A season that peaks at the same time of both years, and twice as high the second time."""
    day = np.arange(560)
    season = 1000 + 200 * (day % 7) + 4000 * np.exp(-(((day % 364) - 182) ** 2) / 800)
    net = season * np.where(day < 330, 1.0, 2.0) * np.random.default_rng(3).uniform(0.9, 1.1, len(day))

    projected = project(net[:520], NO_SHOWS, 28)

    assert projected.uses_last_year
    peak = net[521:549]
    assert np.mean(np.abs(projected.expected - peak)) < 0.7 * np.mean(
        np.abs(np.resize(net[514:520], 28) - peak)
    )


def test_a_dark_fortnight_is_foreseen_from_the_shows():
    """Every show sells in its last five days only; the house stays dark in the last two projected weeks."""
    random = np.random.default_rng(4)
    doors = np.array([day for day in range(4, 260, 3) if not 215 <= day < 236])
    shows = Shows(
        doors - 30,
        doors,
        np.repeat(np.arange(len(doors)), 5),
        (doors[:, None] - np.arange(5)).ravel(),
        random.uniform(800, 1200, 5 * len(doors)),
    )
    past = np.bincount(shows.day, shows.net, minlength=260)[:200]

    projected = project(past, known_at(shows, 200), 30)

    assert projected.uses_shows
    busy, dark = projected.expected[:9], projected.expected[15:28]
    assert busy.mean() > 1000
    assert dark.mean() < 0.25 * busy.mean()


@pytest.mark.parametrize("days", [1, 365])
def test_bounds_hold_whatever_the_history_and_negative_days_only_where_there_were_some(days):
    random = np.random.default_rng(days)
    for net in (np.eye(1, 28, 0)[0] * 500, random.normal(0, 100, 40), random.poisson(0.3, 60) * 1000.0):
        projected = project(net, NO_SHOWS, days)

        assert (projected.low <= projected.expected).all()
        assert (projected.expected <= projected.high).all()
        assert projected.total[0] <= projected.expected.sum() <= projected.total[1]
        assert len(projected.expected) == days
        if net.min() >= 0:
            assert projected.low.min() >= 0
