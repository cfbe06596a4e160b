"""Scores and segments against what people are known to do."""

from collections import Counter
from itertools import pairwise
from math import sqrt
from types import SimpleNamespace

import numpy as np
import pytest

from services.customers.rfm.measuring import measure
from services.customers.rfm.scoring import score
from services.customers.rfm.segments import SEGMENTS, segment_numbers


@pytest.fixture(scope="module")
def scored(house, truth):
    """Everybody at the house's end: measures of all history, scores, segment, habit, and whether lost."""
    ids = [patron.customer.id for patron in house.patrons]
    number = {customer_id: place for place, customer_id in enumerate(ids)}
    orders = house.season.orders
    measures = measure(
        np.array([number[order.customer.id] for order in orders]),
        np.array([order.sold_at.astimezone(house.venue.zone).date().toordinal() for order in orders]),
        np.array([order.gross_minor for order in orders]),
        as_of=house.season.anchor.toordinal(),
        window_days=None,
    )
    scores = score(measures)
    return SimpleNamespace(
        measures=measures,
        scores=scores,
        segments=np.array(SEGMENTS)[segment_numbers(scores)],
        habits=np.array([truth.habit(ids[place]) for place in measures.customers]),
        lost=np.array([truth.is_lost(ids[place], house.until) for place in measures.customers]),
    )


def test_measures_add_up_to_what_each_habit_bought(scored, truth):
    for habit in truth.as_json()["habits"]:
        of = scored.habits == habit["habit"]
        assert of.sum() == habit["patrons"]
        assert scored.measures.order_counts[of].sum() == habit["orders"]
        assert scored.measures.net_minor[of].sum() == habit["gross_minor"]


def test_scores_put_regulars_above_occasional_visitors_above_one_timers(scored):
    for column in (scored.scores.recency, scored.scores.frequency, scored.scores.monetary):
        groups = [column[scored.habits == name] for name in ("regulars", "occasional", "one_timers")]
        for better, worse in pairwise(groups):
            error = sqrt(better.var() / len(better) + worse.var() / len(worse))
            assert better.mean() - worse.mean() > 4 * error


def test_the_best_segment_is_made_of_regulars_and_the_worst_of_those_who_are_none(scored):
    everybody = share_of(scored, np.ones(len(scored.habits), bool))
    best = share_of(scored, scored.segments == "champions")
    worst = share_of(scored, np.isin(scored.segments, ["lost", "hibernating"]))

    assert best["regulars"] > 2 * everybody["regulars"]
    assert best["one_timers"] < 0.1 * everybody["one_timers"]
    assert worst["regulars"] < 0.5 * everybody["regulars"]
    assert worst["one_timers"] > everybody["one_timers"]


def share_of(scored, chosen):
    counts = Counter(scored.habits[chosen].tolist())
    return {name: counts[name] / counts.total() for name in ("regulars", "one_timers")}


def test_segments_that_sleep_are_those_who_left(scored):
    share = {name: scored.lost[scored.segments == name].mean() for name in set(scored.segments)}

    assert share["champions"] < 0.1
    assert share["loyal"] < share["at_risk"]
    assert share["lost"] > 0.9
    assert share["hibernating"] > 0.9


def test_habits_differ_in_spend_as_stated(scored):
    """Regulars take better seats and larger parties, so that an order of theirs is worth more."""
    orders = {
        name: scored.measures.net_minor[scored.habits == name].sum()
        / scored.measures.order_counts[scored.habits == name].sum()
        for name in ("regulars", "occasional", "one_timers")
    }

    assert orders["regulars"] > orders["occasional"] > orders["one_timers"]
