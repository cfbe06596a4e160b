"""Attribution against published worked cases, enumeration of all walks and of all permutations."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.customers.attribution.crediting import MODELS, attribute
from services.customers.attribution.markov import removal
from services.customers.attribution.paths import DAY, Order, Touchpoint, paths_of, weighted
from services.customers.attribution.returns import cost_per_conversion, return_on_investment
from services.customers.attribution.rules import position_based, time_decay
from services.customers.attribution.shapley import Game
from services.customers.errors import TooFewPaths

SEQUENCES = st.lists(
    st.tuples(st.lists(st.sampled_from("ABC"), min_size=1, max_size=4), st.integers(0, 3), st.integers(0, 3)),
    min_size=1,
    max_size=5,
)


def counted(rows):
    conversions, nulls = Counter(), Counter()
    for channels, bought, none in rows:
        conversions[tuple(channels)] += bought
        nulls[tuple(channels)] += none
    kept = {key for key in conversions if conversions[key] + nulls[key]}
    return weighted({key: conversions[key] for key in kept}, {key: nulls[key] for key in kept})


def walked(rows, without):
    """The probability of conversion, by following the mass of all walks step by step until none is left."""
    moves = Counter()
    for channels, bought, none in rows:
        steps = ["start", *channels]
        for before, after in zip(steps, channels, strict=False):
            moves[before, after] += bought + none
        moves[steps[-1], "bought"] += bought
        moves[steps[-1], "none"] += none
    out = Counter()
    for (before, _), count in moves.items():
        out[before] += count
    mass, converted = {"start": 1.0}, 0.0
    for _ in range(3000):
        following = Counter()
        for (before, after), count in moves.items():
            if before in mass and count and after != without:
                following[after] += mass[before] * count / out[before]
        converted += following.pop("bought", 0.0)
        following.pop("none", 0.0)
        mass = following
    return converted


def shapley_by_permutations(channels, rows):
    credit = Counter()
    orders = list(permutations(channels))
    for order in orders:
        for place, channel in enumerate(order):
            inside, before = set(order[: place + 1]), set(order[:place])
            credit[channel] += sum(
                n for path, n, _ in rows if set(path) <= inside and not set(path) <= before
            )
    return {channel: credit[channel] / len(orders) for channel in channels}


def season(names, seed=3, customers=150):
    generator = np.random.default_rng(seed)
    touches, orders = [], []
    for customer in range(customers):
        for number in range(generator.integers(1, 5)):
            at = int(generator.integers(0, 60 * DAY))
            channel = names[generator.integers(0, len(names))]
            touches.append(Touchpoint(f"{customer}-{number}", str(customer), channel, at))
        for number in range(generator.integers(0, 3)):
            at, paid = int(generator.integers(0, 60 * DAY)), int(generator.integers(1, 9999))
            currency = "EUR" if number else "JPY"
            orders.append(Order(f"{customer}/{number}", str(customer), at, currency, paid, paid // 3))
    return touches, orders


def test_removal_reproduces_the_textbook_case():
    rows = [("ABC", 1, 0), ("A", 0, 1), ("BC", 0, 1)]
    channels, paths = counted(rows)

    found = removal(channels, paths)

    assert found.probability == pytest.approx(1 / 3)
    assert dict(zip(channels, found.shares, strict=True)) == pytest.approx({"A": 0.2, "B": 0.4, "C": 0.4})
    assert shapley_by_permutations("ABC", rows) == pytest.approx(dict.fromkeys("ABC", 1 / 3))


def test_removal_and_shapley_reproduce_the_worked_case():
    channels, paths = counted([("A", 2, 8), ("B", 1, 9), ("AB", 4, 6), ("ABA", 1, 2)])
    game = Game(2, [{channels.index(each) for each in path.channels} for path in paths])

    by_removal = dict(zip(channels, removal(channels, paths).shares * 8, strict=True))
    by_value = dict(zip(channels, game.credits(np.array([p.conversions for p in paths], float)), strict=True))

    assert by_removal == pytest.approx({"A": 4.1718, "B": 3.8282}, abs=5e-5)
    assert by_value == pytest.approx({"A": 4.5, "B": 3.5})


@settings(max_examples=40, deadline=None)
@given(SEQUENCES)
def test_removal_is_that_of_all_walks(rows):
    channels, paths = counted(rows)
    found = removal(channels, paths)

    assert found.probability == pytest.approx(walked(rows, None), abs=1e-9)
    for channel, effect in zip(channels, found.effects, strict=True):
        lost = found.probability * (1 - effect)
        assert lost == pytest.approx(walked(rows, channel) if found.probability else 0, abs=1e-9)


@given(SEQUENCES)
def test_shapley_is_the_mean_over_all_permutations(rows):
    numbers = [[("ABC").index(channel) for channel in path] for path, _, _ in rows]
    found = Game(3, numbers).credits(np.array([bought for _, bought, _ in rows], float))

    assert dict(zip("ABC", found, strict=True)) == pytest.approx(shapley_by_permutations("ABC", rows))


def test_sampled_shapley_is_repeatable_and_lies_within_its_error():
    sets = [{number, (number + 3) % 16} for number in range(16)]
    worth = np.arange(16.0)
    exact = np.array([worth[number] / 2 + worth[(number - 3) % 16] / 2 for number in range(16)])
    game = Game(16, sets, seed=5)

    found, errors = game.credits(worth), game.standard_errors(worth)

    assert np.array_equal(found, Game(16, sets, seed=5).credits(worth))
    assert found.sum() == pytest.approx(worth.sum())
    assert (np.abs(found - exact) <= 4 * errors).all()


def test_time_decay_halves_and_two_touches_share_evenly():
    weights = time_decay()([14 * DAY, 7 * DAY, 0])

    assert [weight / sum(weights) for weight in weights] == pytest.approx([1 / 7, 2 / 7, 4 / 7])
    assert position_based([3, 2]) == [1, 1]
    assert [weight / 15 for weight in position_based([5, 4, 3, 2, 1])] == pytest.approx(
        [0.4, *[1 / 15] * 3, 0.4]
    )


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_credits_add_up_whatever_the_names_and_the_rows_order(model, seed):
    touches, orders = season("ABCDE", seed)
    paths = paths_of(touches, orders)
    renamed = [
        each._replace(channel={"A": "z", "B": "y"}.get(each.channel, each.channel)) for each in touches
    ]
    other = paths_of([*reversed(renamed), *renamed], [*reversed(orders), *orders])

    found = {each.channel: each for each in attribute(paths, model)}
    again = {each.channel: each for each in attribute(other, model)}

    assert sum(each.conversions for each in found.values()) == pytest.approx(len(paths.journeys))
    for currency in ("EUR", "JPY"):
        net = sum(each.order.net_minor for each in paths.journeys if each.order.currency == currency)
        assert sum(each.net_minor[currency] for each in found.values()) == net
    for old, new in (("A", "z"), ("B", "y"), ("C", "C")):
        assert again[new].conversions == pytest.approx(found[old].conversions)
        assert again[new].net_minor == pytest.approx(found[old].net_minor, abs=1)


def test_intervals_enclose_the_credit_and_repeat():
    paths = paths_of(*season("ABC"))

    for model in MODELS:
        found = attribute(paths, model, resamples=100)
        assert all(each.low <= each.conversions <= each.high for each in found)
        assert found == attribute(paths, model, resamples=100)


def test_data_driven_models_refuse_too_few_paths():
    paths = paths_of(*season("AB", customers=5))

    for model in ("data_driven", "shapley"):
        with pytest.raises(TooFewPaths):
            attribute(paths, model)


def test_paths_keep_to_the_window_and_returned_orders_convert_nobody():
    touches = [Touchpoint(str(day), "c", f"d{day}", day * DAY) for day in (0, 1, 31, 80)]
    kept = Order("o", "c", 31 * DAY, "EUR", 100, 40)
    paths = paths_of(touches, [kept, Order("r", "c", 80 * DAY, "EUR", 5, 5), Order("x", "q", 0, "EUR", 5)])

    assert [(each.channels, each.ages) for each in paths.journeys] == [(("d31",), (0,))]
    assert {each.channels: each.nulls for each in paths.paths if each.nulls} == {("d0", "d1"): 1, ("d80",): 1}
    assert [order.order_id for order in paths.unattributed] == ["x"]


def test_returns_are_absent_without_spend():
    assert return_on_investment(1000, 0.5, 200) == pytest.approx(1.5)
    assert return_on_investment(1000, 0.5, 0) is None
    assert cost_per_conversion(100, 0) is None
