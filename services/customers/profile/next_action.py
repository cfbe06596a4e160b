"""The next best action: a fixed rule over stored facts, the first action whose condition holds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple


class Action(NamedTuple):
    """What to do, a slug, and the facts that led to it."""

    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What the rule looks at; None and empty: not known."""

    now: datetime
    marketing_consent: bool | None
    segment: str
    order_count: int
    last_purchase_at: datetime | None
    latest_show_at: datetime | None
    churn_probability: float | None
    churn_horizon_days: int | None

    @property
    def days_since_purchase(self) -> int | None:
        return None if self.last_purchase_at is None else (self.now - self.last_purchase_at).days

    @property
    def _since(self) -> str:
        days = self.days_since_purchase
        return "" if days is None else f", last purchase {days} days ago"

    @property
    def standing(self) -> str:
        """Segment, purchases and how long ago, as a part of a sentence."""
        orders = "1 purchase" if self.order_count == 1 else f"{self.order_count} purchases"
        return f"segment {self.segment or 'not scored'}, {orders}{self._since}"


_LIKELY: Final = 0.5
_WIN_BACK: Final = frozenset({"cant_lose", "at_risk"})
_DRIFTING: Final = frozenset({"about_to_sleep", "needs_attention"})
_GONE: Final = frozenset({"hibernating", "lost"})
_LOYAL: Final = frozenset({"champions", "loyal"})


def next_best_action(situation: Situation) -> Action:
    """The first action whose condition holds.

    Somebody with a ticket in hand is served before anything is sold to them; without consent nothing is sold
    at all; then who is about to be lost comes before who is not.
    """
    for applies, action, reason in _RULES:
        if applies(situation):
            return Action(action, reason(situation))
    return Action("suggest_more", f"A customer in good standing: {situation.standing}.")


def _has_ticket(known: Situation) -> bool:
    return known.latest_show_at is not None and known.latest_show_at > known.now


def _is_being_lost(known: Situation) -> bool:
    is_likely = known.churn_probability is not None and known.churn_probability >= _LIKELY
    return known.segment in _WIN_BACK or (known.segment in _LOYAL and is_likely)


def _visit_reason(known: Situation) -> str:
    assert known.latest_show_at is not None
    days = (known.latest_show_at - known.now).days
    return f"Has a ticket for a show {'within a day' if days < 1 else f'in {days} days'}."


def _loss_reason(known: Situation) -> str:
    sentence = f"A valuable customer who may not come back: {known.standing}"
    if known.churn_probability is None:
        return f"{sentence}."
    share = round(100 * known.churn_probability)
    return f"{sentence}, {share}% likely to buy nothing within {known.churn_horizon_days} days."


_Rule = tuple[Callable[[Situation], bool], str, Callable[[Situation], str]]
_RULES: Final[tuple[_Rule, ...]] = (
    (_has_ticket, "prepare_visit", _visit_reason),
    (
        lambda known: known.marketing_consent is False,
        "respect_objection",
        lambda known: f"Did not agree to marketing: {known.standing}.",
    ),
    (
        lambda known: known.marketing_consent is None,
        "ask_for_consent",
        lambda known: f"Was never asked about marketing: {known.standing}.",
    ),
    (_is_being_lost, "win_back", _loss_reason),
    (
        lambda known: known.order_count == 0,
        "invite_first",
        lambda known: "Has dealt with the venue but holds no purchase that stands.",
    ),
    (
        lambda known: known.segment in _DRIFTING,
        "remind",
        lambda known: f"Buys less than before: {known.standing}.",
    ),
    (
        lambda known: known.segment in _GONE,
        "reactivate",
        lambda known: f"Has not bought for long: {known.standing}.",
    ),
    (
        lambda known: known.segment in _LOYAL,
        "reward_loyalty",
        lambda known: f"Buys often and lately: {known.standing}.",
    ),
    (
        lambda known: known.order_count == 1,
        "invite_again",
        lambda known: f"The second purchase makes a regular: {known.standing}.",
    ),
)
