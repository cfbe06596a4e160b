"""Use case: many figures in one call, each answered by itself."""

import asyncio
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.errors import AnalyticsError, Kind, VenueNotFound
from libs.common.postgres.database import Database
from libs.common.postgres.errors import StatementTimedOut
from services.metrics.errors import EventNotFound, TooManyEvents, TooManyGroups
from services.metrics.figures.answers import Outcome
from services.metrics.figures.family import Family
from services.metrics.figures.questions import FigureQuestion, MetricQuestion, Question
from services.metrics.figures.store import KnownShow, select_shows
from services.metrics.figures.vocabulary import Figure

AT_ONCE: Final = 2
"""Transactions of one call at a time: a call with many queries leaves connections and processors to others,
and its own long windows do not slow each other down until none of them is done in time."""

_OF_THE_QUERY: Final = frozenset({Kind.INVALID_ARGUMENT, Kind.NOT_FOUND, Kind.FAILED_PRECONDITION})


class FigureReader:
    """Figures of tenants.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        recorded: Answers questions about recorded metrics.
        families: Answer questions about figures, by figure.
    """

    def __init__(
        self,
        database: Database,
        venues: Venues,
        recorded: Family[MetricQuestion],
        families: Mapping[Figure, Family[FigureQuestion]],
    ) -> None:
        self._database = database
        self._venues = venues
        self._recorded = recorded
        self._families = families

    async def answers(
        self, scope: TenantScope, questions: Sequence[Question | AnalyticsError]
    ) -> list[Outcome]:
        """One outcome a question, in their order; what is a refusal already stays one.

        Questions of one kind share a read. One that fails does not touch the others, but a store that is not
        there fails the call.

        Raises:
            DependencyUnavailable: The database is not reachable.
            DatabaseBusy: No connection became free in time.
        """
        outcomes: dict[int, Outcome] = {}
        groups: dict[tuple[int, Hashable], list[int]] = {}
        for place, question in enumerate(await self._visible(scope, questions)):
            if isinstance(question, AnalyticsError):
                outcomes[place] = question
            else:
                family = self._family(question)
                groups.setdefault((id(family), family.kind(question)), []).append(place)
        gate = asyncio.Semaphore(AT_ONCE)

        async def answer(places: Sequence[int]) -> None:
            asked = [questions[place] for place in places]
            async with gate:
                outcomes.update(zip(places, await self._together(scope, asked), strict=True))

        await _all_or_none(answer(places) for places in groups.values())
        return [outcomes[place] for place in range(len(questions))]

    def _family(self, question: Question) -> Family[Any]:
        if isinstance(question, MetricQuestion):
            return self._recorded
        return self._families[question.figure]

    async def _together(self, scope: TenantScope, questions: Sequence[Any]) -> Sequence[Outcome]:
        """Outcomes of questions of one kind; what is too much for all of them is asked one by one."""
        family = self._family(questions[0])
        try:
            async with self._database.transaction(scope) as conn:
                return await family.answers(conn, scope.tenant_id, questions)
        except AnalyticsError as error:
            if error.kind not in _OF_THE_QUERY and not isinstance(error, StatementTimedOut):
                raise
            if len(questions) == 1 or not isinstance(error, (TooManyGroups, TooManyEvents)):
                return [error] * len(questions)
        return [outcome for one in questions for outcome in await self._together(scope, [one])]

    async def _visible(
        self, scope: TenantScope, questions: Sequence[Question | AnalyticsError]
    ) -> list[Question | AnalyticsError]:
        """The questions; those about a venue or show that the scope does not have are refusals."""
        asked = [one for one in questions if not isinstance(one, AnalyticsError)]
        venue_ids = {one.venue_id for one in asked if one.venue_id is not None}
        event_ids = {
            one.event_id for one in asked if isinstance(one, FigureQuestion) and one.event_id is not None
        }
        venues = await self._venues.known(scope, venue_ids)
        shows: dict[UUID, KnownShow] = {}
        if event_ids:
            async with self._database.transaction(scope) as conn:
                shows = await select_shows(conn, scope.tenant_id, event_ids)
        return [
            one if isinstance(one, AnalyticsError) else _refusal(one, venues, shows) or one
            for one in questions
        ]


def _refusal(
    question: Question, venues: Mapping[UUID, object], shows: Mapping[UUID, KnownShow]
) -> AnalyticsError | None:
    venue_id = question.venue_id
    if venue_id is not None and venue_id not in venues:
        return VenueNotFound("no such venue", venue_id=venue_id)
    if isinstance(question, MetricQuestion) or question.event_id is None:
        return None
    show = shows.get(question.event_id)
    if show is None or venue_id not in (None, show.venue_id):
        return EventNotFound("no such event", event_id=question.event_id)
    return None


async def _all_or_none(works: Iterable[Any]) -> None:
    """Wait for all; when one fails, or this is cancelled, none goes on."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
