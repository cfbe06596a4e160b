"""Use case: the conversion funnel, cached until a fact of the venue changes it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from tickettoken.metrics.v1 import funnel_pb2

from libs.common.buckets import Window
from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import VISITS
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.errors import InvalidField
from libs.common.postgres.database import Database
from services.metrics.errors import EventNotFound
from services.metrics.namespaces import ANY_TOPIC, namespace
from services.metrics.visits.funnel_store import has_event, select_funnel
from services.metrics.visits.mapping import funnel_message

_DEFAULT_LENGTH: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class FunnelQuestion:
    """Whose way to follow; `end` None: until now, `start` None: 30 days before the end."""

    start: datetime | None
    end: datetime | None
    venue_id: UUID | None
    event_id: UUID | None

    def window(self, now: datetime) -> Window:
        """The window that is meant.

        Raises:
            InvalidField: It is empty, or starts before the calendar does.
        """
        end = self.end or now
        if self.start is not None:
            return Window.of(self.start, end)
        try:
            return Window(end - _DEFAULT_LENGTH, end)
        except OverflowError:
            raise InvalidField.of("endDate", "leaves no room for 30 days before it") from None


class Funnel:
    """Funnels for callers; what they may see is checked before the cache is asked."""

    def __init__(
        self,
        database: Database,
        venues: Venues,
        cache: Cache,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._venues = venues
        self._cache = cache
        self._now = now

    async def answer(
        self, scope: TenantScope, question: FunnelQuestion
    ) -> funnel_pb2.GetConversionFunnelResponse:
        """Unique sessions at each step, what is lost between them, and how long it takes.

        A window that ends now is another one each time, so only windows with an end are cached.

        Raises:
            VenueNotFound: The scope has no such venue.
            EventNotFound: The scope, or the venue, has no such show.
            InvalidField: The window is empty, or starts before the calendar does.
        """
        window = question.window(self._now())
        if question.venue_id is not None:
            await self._venues.require(scope, [question.venue_id])

        async def compute() -> bytes:
            return (await self._computed(scope, question, window)).SerializeToString()

        if question.end is None:
            return await self._computed(scope, question, window)
        key = f"funnel|{window.start.isoformat()}/{window.end.isoformat()}|{question.event_id or ''}"
        answer = await self._cache.get_or_compute(
            namespace(ANY_TOPIC, question.venue_id), key, VISITS.ttl, compute
        )
        return funnel_pb2.GetConversionFunnelResponse.FromString(answer)

    async def _computed(
        self, scope: TenantScope, question: FunnelQuestion, window: Window
    ) -> funnel_pb2.GetConversionFunnelResponse:
        venue_id, event_id = question.venue_id, question.event_id
        async with self._database.transaction(scope) as conn:
            if event_id is not None and not await has_event(conn, scope.tenant_id, event_id, venue_id):
                raise EventNotFound("no such event", event_id=event_id)
            row = await select_funnel(
                conn, scope.tenant_id, window.start, window.end, venue_id=venue_id, event_id=event_id
            )
        return funnel_message(row, window)
