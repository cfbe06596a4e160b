"""What new visits add to the daily tables and to live metrics."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.common.buckets import microseconds
from services.metrics.daily.facts import DailyFact, DailyVisit, quarter_of
from services.metrics.live.keys import LiveKey
from services.metrics.live.values import LiveValue
from services.metrics.visits.facts import Step, VisitFact

_LIVE: Final[Mapping[Step, str]] = {
    Step.VISIT: "page_views",
    Step.EVENT_PAGE: "page_views",
    Step.CART: "carts_updated",
    Step.CHECKOUT: "checkouts_started",
}
_FIGURES: Final[Mapping[Step, str]] = {
    Step.VISIT: "page_view_count",
    Step.EVENT_PAGE: "page_view_count",
    Step.CART: "cart_count",
    Step.CHECKOUT: "checkout_count",
}


def live_values(facts: Iterable[VisitFact]) -> list[LiveValue]:
    """One value a fact."""
    return [LiveValue(LiveKey(fact.venue_id, _LIVE[fact.step]), microseconds(fact.at), 1.0) for fact in facts]


def daily_facts(facts: Iterable[VisitFact]) -> list[DailyFact]:
    """Counts by venue, show and quarter of an hour, dated by the latest fact of it.

    A cart with several shows counts once for each of them, and what that is too much for the venue is taken
    out again without a show.
    """
    figures: dict[tuple[UUID, UUID | None, datetime], dict[str, int]] = {}
    newest: dict[tuple[UUID, UUID | None, datetime], datetime] = {}

    def add(fact: VisitFact, event_id: UUID | None, count: int) -> None:
        key = (fact.venue_id, event_id, quarter_of(fact.at))
        own = figures.setdefault(key, {})
        figure = _FIGURES[fact.step]
        own[figure] = own.get(figure, 0) + count
        if key not in newest or newest[key] < fact.at:
            newest[key] = fact.at

    for fact in facts:
        for event_id in fact.event_ids or (None,):
            add(fact, event_id, 1)
        if (surplus := len(fact.event_ids) - 1) > 0:
            add(fact, None, -surplus)
    return [
        DailyFact(venue_id, event_id, quarter, "", own, newest[venue_id, event_id, quarter])
        for (venue_id, event_id, quarter), own in figures.items()
    ]


def daily_visits(facts: Iterable[VisitFact]) -> list[DailyVisit]:
    """Each session once a venue and quarter of an hour."""
    newest: dict[tuple[UUID, str, datetime], datetime] = {}
    for fact in facts:
        key = (fact.venue_id, fact.session_id, quarter_of(fact.at))
        known = newest.get(key)
        if known is None or known < fact.at:
            newest[key] = fact.at
    return [DailyVisit(venue_id, session_id, at) for (venue_id, session_id, _), at in newest.items()]
