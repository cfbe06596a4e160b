"""Use case: what a person did in their sessions, for other capabilities' answers."""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from libs.common.buckets import Window, microseconds
from libs.common.mongo import Document
from services.customers.behavior.store import BehaviorStore

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done: `kind` is "page", "cart" or "checkout". What is not told is empty or None."""

    at: datetime
    kind: str
    page: str
    event_ids: tuple[UUID, ...]
    ticket_count: int | None
    value_minor: int | None
    currency: str


@dataclass(frozen=True, slots=True)
class Session:
    """One session of a person at a venue: its latest steps, and whether there were others before them."""

    key: str
    session_id: str
    venue_id: UUID
    started_at: datetime
    last_at: datetime
    device_class: str
    referrer: str
    steps: tuple[Step, ...]
    has_more_steps: bool


class Before(NamedTuple):
    """A place in the order of sessions, which began before it, or at that moment with a lesser key."""

    at: datetime
    key: str


class Visitor(NamedTuple):
    """Who was first known in a session when, in microseconds."""

    session_id: str
    customer_id: str
    first_us: int


class BehaviorReader:
    """Sessions of people of the current caller's tenant."""

    def __init__(self, store: BehaviorStore) -> None:
        self._store = store

    async def visitors(
        self, venue_id: UUID, session_ids: Sequence[str]
    ) -> AsyncGenerator[list[Visitor], None]:
        """Everybody who is known in one of these sessions at a venue, in lists fetched as they are consumed.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        async with aclosing(self._store.visitors(venue_id, session_ids)) as batches:
            async for documents in batches:
                yield [
                    Visitor(document["session_id"], document["customer_id"], document["first_microseconds"])
                    for document in documents
                ]

    async def sessions(
        self,
        customer_id: UUID,
        *,
        venue_ids: Collection[UUID] | None,
        window: Window | None = None,
        before: Before | None = None,
        limit: int,
    ) -> list[Session]:
        """Sessions of a person, the one that began last first.

        Args:
            customer_id: The person.
            venue_ids: Only at these venues; None: at all.
            window: Only those that began in it.
            before: Only those behind this place.
            limit: Most sessions.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        query: Document = {}
        if venue_ids is not None:
            query["venue_id"] = {"$in": [str(venue_id) for venue_id in venue_ids]}
        if window is not None:
            start, end = microseconds(window.start), microseconds(window.end)
            query["first_microseconds"] = {"$gte": start, "$lt": end}
        if before is not None:
            at = microseconds(before.at)
            query["$or"] = [
                {"first_microseconds": {"$lt": at}},
                {"first_microseconds": at, "id": {"$lt": before.key}},
            ]
        documents = await self._store.sessions(customer_id, query, limit=limit)
        return [_session(document) for document in documents]


def _session(document: Document) -> Session:
    steps = document["steps"]
    pages = [step for step in steps if step["kind"] == "page"]
    return Session(
        key=document["id"],
        session_id=document["session_id"],
        venue_id=UUID(document["venue_id"]),
        started_at=_moment(document["first_microseconds"]),
        last_at=_moment(document["last_microseconds"]),
        device_class=_last(pages, "device_class"),
        referrer=_first(pages, "referrer"),
        steps=tuple(_step(step) for step in steps),
        has_more_steps=document["has_more_steps"],
    )


def _step(step: Document) -> Step:
    return Step(
        at=_moment(step["microseconds"]),
        kind=step["kind"],
        page=step.get("page", ""),
        event_ids=tuple(UUID(show) for show in step["shows"]),
        ticket_count=step.get("ticket_count"),
        value_minor=step.get("value_minor"),
        currency=step.get("currency", ""),
    )


def _first(steps: Sequence[Document], field: str) -> str:
    return next((step[field] for step in steps if step[field]), "")


def _last(steps: Sequence[Document], field: str) -> str:
    return _first(steps[::-1], field)


def _moment(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)
