"""The tests behind the generators: how heavy tails are, and how far shares differ."""

import numpy as np
import pytest
from scipy import stats

from services.customers.insights.proportions import Group, compare
from services.customers.insights.tails import spread_of


def test_tails_are_as_heavy_as_those_that_were_drawn():
    generator = np.random.default_rng(3)

    heavy = spread_of(2 + 0.5 * generator.standard_t(3, size=4000))
    light = spread_of(2 + 0.5 * generator.standard_normal(4000))

    assert heavy.freedom == 3
    assert heavy.scale == pytest.approx(0.5, rel=0.06)
    assert light.freedom == 8
    assert heavy.p_value(3.5) == pytest.approx(2 * stats.t.sf(1.5 / heavy.scale, 3), rel=0.1)
    assert spread_of(np.ones(20)) is None


def test_two_shares_differ_as_far_as_the_pooled_test_of_a_textbook_says():
    # Groups without variance between them, so that the dispersion is 1: z = 2.0 of 0.5 against 0.6.
    before, after = [Group(50, 100)] * 10, [Group(60, 100)] * 10

    compared = compare(before, after)

    z = 0.1 / (0.55 * 0.45 * (2 / 1000)) ** 0.5
    assert compared.dispersion == 1
    assert compared.p_value == pytest.approx(2 * stats.t.sf(z, 18))
    assert compare(before, after, "greater").p_value == pytest.approx(stats.t.sf(z, 18))
    assert compare(before, after, "less").p_value == pytest.approx(stats.t.cdf(z, 18))


def test_a_share_that_varies_between_groups_needs_more_to_have_changed():
    before, after = [Group(30, 100), Group(70, 100)] * 5, [Group(40, 100), Group(80, 100)] * 5

    compared = compare(before, after)

    spread = sum((each.successes - 50) ** 2 / 25 for each in before)
    spread += sum((each.successes - 60) ** 2 / 24 for each in after)
    assert compared.dispersion == pytest.approx(spread / 18)
    assert compared.p_value > 0.05


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([Group(50, 100)] * 3, [Group(50, 100)]),
        ([Group(50, 100)], [Group(50, 100)] * 9),
        ([Group(0, 100)] * 9, [Group(1, 100)] * 9),
        ([Group(50, 100)] * 9, [Group(0, 0)]),
        ([Group(50, 100)] * 9, [Group(2, 4)]),
    ],
)
def test_too_little_is_not_compared(before, after):
    assert compare(before, after) is None
