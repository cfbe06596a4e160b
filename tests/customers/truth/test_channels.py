"""Attribution against channels whose effects are known."""

import pytest

from libs.common.buckets import microseconds
from services.customers.attribution.crediting import attribute
from services.customers.attribution.paths import Order, Touchpoint, paths_of


@pytest.fixture(scope="module")
def paths(house):
    """Everybody's paths; contacts of those who do not come any more lead to nothing."""
    return paths_of(
        (
            Touchpoint(str(number), str(one.patron.customer.id), one.channel.name, microseconds(one.at))
            for number, one in enumerate(house.touches)
        ),
        (
            Order(str(one.id), str(one.customer.id), microseconds(one.sold_at), "EUR", one.gross_minor)
            for one in house.season.orders
        ),
    )


@pytest.mark.parametrize("model", ["data_driven", "shapley"])
def test_data_driven_models_rank_channels_in_their_true_order(paths, truth, model):
    credits_of = attribute(paths, model)

    ranked = [one.channel for one in sorted(credits_of, key=lambda one: -one.conversions)]
    at_work = sorted(
        (name for name, effect in truth.effects.items() if effect), key=lambda name: -truth.effects[name]
    )
    assert len(at_work) == 3
    assert ranked[:3] == at_work
    assert set(ranked[3:]) == {name for name, effect in truth.effects.items() if not effect}


def test_channels_differ_in_what_they_cause_and_not_in_how_many_they_reach(house, truth):
    """What the ranking rests on: credit counts contacts too, so that only equal reach compares effects."""
    reach = [row["contacts"] for row in truth.as_json()["channels"]]

    assert max(reach) < 1.05 * min(reach)
    caused = truth.caused_orders()
    assert sorted(caused, key=lambda name: -caused[name])[:3] == ["search", "email", "social"]


def test_more_is_credited_than_was_caused(paths, truth):
    """Attribution divides every order that followed a contact, those included that needed none."""
    assert sum(truth.caused_orders().values()) < 0.6 * len(paths.journeys)
    assert any(path.nulls for path in paths.paths)
