"""Cohorts as answers of the contract, kept until a fact of the venue changes."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from tickettoken.customers.v1 import cohorts_pb2

from libs.common.buckets import zone
from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import CUSTOMER_FACTS
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from services.customers.cohorts.mapping import analysis_message
from services.customers.cohorts.questions import CohortQuestion, question_of
from services.customers.cohorts.reader import CohortReader
from services.customers.namespaces import venue_namespace


class CohortAnswers:
    """Cohorts of venues, for callers; what they may see is checked before the cache is asked.

    Args:
        cohorts: Cohorts of venues.
        venues: Venues of every tenant.
        cache: Answers made before.
        now: The present instant.
    """

    def __init__(
        self,
        cohorts: CohortReader,
        venues: Venues,
        cache: Cache,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cohorts = cohorts
        self._venues = venues
        self._cache = cache
        self._now = now

    async def analysis(
        self, scope: TenantScope, request: cohorts_pb2.GetCohortAnalysisRequest
    ) -> cohorts_pb2.GetCohortAnalysisResponse:
        """The cohorts asked for.

        Raises:
            InvalidField: The window is empty or outside the calendar.
            VenueNotFound: The scope has no such venue.
            WindowTooWide: More periods than one answer holds.
        """
        venue_id = UUID(request.venue_id)
        found = await self._venues.require(scope, [venue_id])
        clock = zone(found[venue_id].time_zone)
        question = question_of(request, _next_minute(self._now()), clock)

        async def compute() -> bytes:
            return (await self._analysis(scope, question, clock)).SerializeToString()

        answer = await self._cache.get_or_compute(
            venue_namespace(venue_id), question.key(clock), CUSTOMER_FACTS.ttl, compute
        )
        return cohorts_pb2.GetCohortAnalysisResponse.FromString(answer)

    async def _analysis(
        self, scope: TenantScope, question: CohortQuestion, clock: ZoneInfo
    ) -> cohorts_pb2.GetCohortAnalysisResponse:
        edges = question.edges(clock)
        figures = await self._cohorts.figures(scope, question.venue_id, edges, question.window.end)
        return await asyncio.to_thread(analysis_message, question, clock, edges, figures)


def _next_minute(instant: datetime) -> datetime:
    """The end of the instant's minute: clocks of those who sell may be a little ahead."""
    return instant.replace(second=0, microsecond=0) + timedelta(minutes=1)
