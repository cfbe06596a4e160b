"""Taste is what is bought against what would be expected at the same venues."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.customers.preferences.taste import DIMENSIONS, Baseline, Purchase, taste

CLUB, OPERA = UUID(int=1), UUID(int=2)
BASELINES = {
    CLUB: Baseline(
        {
            "genre": {"jazz": 90, "rock": 10},
            "price_band:EUR": {"lowest": 25, "lower": 25, "upper": 25, "highest": 25},
        },
        {"EUR": (1_000, 2_000, 4_000)},
    ),
    OPERA: Baseline({"genre": {"opera": 80, "jazz": 20}}, {}),
}


def purchase(venue=CLUB, *, price=None, currency="EUR", **traits):
    return Purchase(venue, currency, price, traits)


def preferences(purchases, dimension):
    (found,) = [found for found in taste(purchases, BASELINES) if found.name == dimension]
    return {preference.value: preference for preference in found.preferences}


def test_lift_compares_with_the_venues_where_the_purchases_were_made():
    purchases = [purchase(genre="jazz")] * 3 + [purchase(OPERA, genre="jazz")]

    jazz = preferences(purchases, "genre")["jazz"]

    assert jazz.evidence_count == 4
    assert jazz.expected_count == pytest.approx(3 * 0.9 + 0.2)
    assert jazz.lift == pytest.approx(4 / 2.9)


def test_what_nobody_else_buys_has_no_lift():
    (polka,) = preferences([purchase(genre="polka")], "genre").values()

    assert (polka.expected_count, polka.lift) == (0, None)


def test_without_a_comparison_at_one_of_the_venues_nothing_is_expected():
    (web,) = preferences([purchase(channel="web")], "channel").values()

    assert (web.evidence_count, web.expected_count, web.lift) == (1, None, None)


@pytest.mark.parametrize(
    ("price", "band"),
    [
        (0, "lowest"),
        (1_000, "lowest"),
        (1_001, "lower"),
        (2_000, "lower"),
        (4_000, "upper"),
        (4_001, "highest"),
    ],
)
def test_prices_lie_in_quarters_of_the_venues_own(price, band):
    assert list(preferences([purchase(price=price)], "price_band")) == [band]


def test_prices_of_a_currency_without_comparison_are_in_no_band():
    assert taste([purchase(price=500, currency="USD"), purchase(OPERA, price=500)], BASELINES) == []


def test_values_come_by_evidence_then_by_name():
    purchases = [
        purchase(genre="rock"),
        purchase(genre="jazz"),
        purchase(genre="rock"),
        purchase(genre="blues"),
    ]

    assert list(preferences(purchases, "genre")) == ["rock", "blues", "jazz"]


@given(
    st.lists(
        st.builds(
            lambda venue, genre, channel: Purchase(venue, "EUR", None, {"genre": genre, "channel": channel}),
            st.sampled_from([CLUB, OPERA]),
            st.sampled_from(["jazz", "rock", "opera"]),
            st.sampled_from(["web", "box_office"]),
        )
    )
)
def test_evidence_adds_up_and_dimensions_keep_their_order(purchases):
    found = taste(purchases, BASELINES)

    assert [dimension.name for dimension in found] == [
        name for name in DIMENSIONS if purchases and name in ("genre", "channel")
    ]
    for dimension in found:
        assert sum(preference.evidence_count for preference in dimension.preferences) == len(purchases)
        assert dimension.evidence_count == len(purchases)
