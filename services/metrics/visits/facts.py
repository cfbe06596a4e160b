"""What platform events say about a session on the pages of a venue."""

from datetime import datetime
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID


class Step(IntEnum):
    """How far a fact brings a session; stored, so the numbers never change."""

    VISIT = 1
    EVENT_PAGE = 2
    CART = 3
    CHECKOUT = 4


class View(NamedTuple):
    """A page as a session saw it; `event_id` None: the page is about no show."""

    page: str
    event_id: UUID | None
    device_class: str


class VisitFact(NamedTuple):
    """One page view, cart or checkout. `event_ids`: the shows it is about; `view` is set for page views."""

    fact_id: UUID
    venue_id: UUID
    session_id: str
    at: datetime
    step: Step
    event_ids: tuple[UUID, ...]
    view: View | None
