"""A batch of visits as rows of what is kept over them: one row a key, whatever the order of the facts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from services.metrics.visits.facts import Step, View, VisitFact

NO_SHOW: Final = UUID(int=0)
"""In keys: a fact about no show, and the row of a day that stands for all facts."""


class DayKey(NamedTuple):
    """Grain of session_days."""

    venue_id: UUID
    event_id: UUID
    day: datetime
    session_id: str


@dataclass(slots=True)
class SessionDay:
    """First and last fact of a session's day, and its first arrival at each step."""

    first_at: datetime
    last_at: datetime
    event_page_at: datetime | None = None
    cart_at: datetime | None = None
    checkout_at: datetime | None = None

    def add(self, step: Step, at: datetime) -> None:
        self.first_at = min(self.first_at, at)
        self.last_at = max(self.last_at, at)
        if step is Step.EVENT_PAGE:
            self.event_page_at = _earlier(self.event_page_at, at)
        elif step is Step.CART:
            self.cart_at = _earlier(self.cart_at, at)
        elif step is Step.CHECKOUT:
            self.checkout_at = _earlier(self.checkout_at, at)


@dataclass(slots=True)
class Session:
    """What a batch says about one session; `view` is its latest page view by (time, fact)."""

    started_at: datetime
    last_seen_at: datetime
    furthest_step: Step
    page_view_count: int = 0
    viewed: tuple[datetime, UUID] | None = None
    view: View | None = None

    def add(self, fact: VisitFact) -> None:
        self.started_at = min(self.started_at, fact.at)
        self.last_seen_at = max(self.last_seen_at, fact.at)
        self.furthest_step = max(self.furthest_step, fact.step)
        if fact.view is None:
            return
        self.page_view_count += 1
        viewed = (fact.at, fact.fact_id)
        if self.viewed is None or viewed > self.viewed:
            self.viewed, self.view = viewed, fact.view


def session_days(facts: Iterable[VisitFact]) -> dict[DayKey, SessionDay]:
    """Days (UTC) of the sessions: all in all, and by show."""
    days: dict[DayKey, SessionDay] = {}
    for fact in facts:
        day = fact.at.replace(hour=0, minute=0, second=0, microsecond=0)
        for event_id in (NO_SHOW, *fact.event_ids):
            key = DayKey(fact.venue_id, event_id, day, fact.session_id)
            known = days.get(key)
            if known is None:
                known = days[key] = SessionDay(fact.at, fact.at)
            known.add(fact.step, fact.at)
    return days


def sessions(facts: Iterable[VisitFact]) -> dict[tuple[UUID, str], Session]:
    """Sessions by venue and id."""
    found: dict[tuple[UUID, str], Session] = {}
    for fact in facts:
        key = (fact.venue_id, fact.session_id)
        known = found.get(key)
        if known is None:
            known = found[key] = Session(fact.at, fact.at, fact.step)
        known.add(fact)
    return found


def _earlier(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)
