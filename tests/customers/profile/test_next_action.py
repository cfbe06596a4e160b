"""The next best action follows its rule, and names nobody."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.customers.profile.next_action import Situation, next_best_action
from services.customers.profile.spread import Counted, Spread
from tests.platform.events import NOON


def situation(**known):
    usual = {
        "now": NOON,
        "marketing_consent": True,
        "segment": "",
        "order_count": 3,
        "last_purchase_at": NOON - timedelta(days=40),
        "latest_show_at": NOON - timedelta(days=10),
        "churn_probability": None,
        "churn_horizon_days": None,
    }
    return Situation(**usual | known)


@pytest.mark.parametrize(
    ("known", "action"),
    [
        ({"latest_show_at": NOON + timedelta(days=3), "marketing_consent": False}, "prepare_visit"),
        ({"marketing_consent": False, "segment": "cant_lose"}, "respect_objection"),
        ({"marketing_consent": None, "segment": "cant_lose"}, "ask_for_consent"),
        ({"segment": "cant_lose"}, "win_back"),
        ({"segment": "at_risk"}, "win_back"),
        ({"segment": "loyal", "churn_probability": 0.5, "churn_horizon_days": 90}, "win_back"),
        ({"segment": "loyal", "churn_probability": 0.49, "churn_horizon_days": 90}, "reward_loyalty"),
        ({"segment": "lost", "churn_probability": 0.9, "churn_horizon_days": 90}, "reactivate"),
        ({"order_count": 0, "last_purchase_at": None}, "invite_first"),
        ({"segment": "about_to_sleep"}, "remind"),
        ({"segment": "hibernating"}, "reactivate"),
        ({"segment": "champions"}, "reward_loyalty"),
        ({"segment": "new", "order_count": 1}, "invite_again"),
        ({"segment": "promising"}, "suggest_more"),
        ({}, "suggest_more"),
    ],
)
def test_the_first_condition_that_holds_decides(known, action):
    assert next_best_action(situation(**known)).action == action


def test_reasons_hold_the_numbers_that_led_to_the_action():
    loss = situation(segment="at_risk", churn_probability=0.734, churn_horizon_days=90)

    assert next_best_action(loss).reason == (
        "A valuable customer who may not come back: segment at_risk, 3 purchases, last purchase 40 days ago,"
        " 73% likely to buy nothing within 90 days."
    )
    soon = situation(latest_show_at=NOON + timedelta(hours=5))
    assert next_best_action(soon).reason == "Has a ticket for a show within a day."


@given(
    st.builds(
        situation,
        marketing_consent=st.sampled_from([True, False, None]),
        segment=st.sampled_from(["", "new", "lost", "at_risk", "champions", "about_to_sleep", "unheard_of"]),
        order_count=st.integers(0, 9),
        last_purchase_at=st.none() | st.just(NOON),
        latest_show_at=st.none() | st.just(NOON + timedelta(days=1)),
        churn_probability=st.none() | st.floats(0, 1),
        churn_horizon_days=st.just(30),
    )
)
def test_every_situation_has_an_action_and_a_reason(known):
    action, reason = next_best_action(known)

    assert action
    assert reason.endswith(".")
    assert "None" not in reason


@pytest.mark.parametrize(("value", "ratio"), [(0, 0.0), (1, 0.0), (2, 0.01), (100, 0.99), (1_000, 0.99)])
def test_a_rank_is_the_share_of_customers_below(value, ratio):
    assert Counted(100, range(1, 100)).rank_ratio(value) == ratio


def test_among_few_customers_there_is_no_rank():
    assert Counted(19, range(1, 100)).rank_ratio(50) is None


def test_a_spread_survives_being_kept():
    spread = Spread({"EUR": Counted(100, [1, 2, 3])}, Counted(5, [4]))

    assert Spread.from_bytes(spread.to_bytes()) == spread
