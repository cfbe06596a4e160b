"""The secondary market as answers of the contract, cached until a listing or resale changes them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from tickettoken.metrics.v1 import marketplace_pb2

from libs.common.buckets import Window
from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import MARKETPLACE
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.errors import InvalidField
from services.metrics.marketplace.activity import Marketplace
from services.metrics.marketplace.mapping import activity_message
from services.metrics.namespaces import Topic, namespace

_DEFAULT_LENGTH: Final = timedelta(days=30)


class MarketplaceAnswers:
    """The secondary market for callers; what they may see is checked before the cache is asked."""

    def __init__(
        self,
        marketplace: Marketplace,
        venues: Venues,
        cache: Cache,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._marketplace = marketplace
        self._venues = venues
        self._cache = cache
        self._now = now

    async def activity(
        self,
        scope: TenantScope,
        start: datetime | None,
        end: datetime | None,
        *,
        venue_id: UUID | None,
        event_id: UUID | None,
    ) -> marketplace_pb2.GetMarketplaceActivityResponse:
        """Activity from `start` (None: 30 days before the end) up to `end` (None: now).

        Raises:
            VenueNotFound: The scope has no such venue.
            EventNotFound: The scope, or the venue, has no such show.
            InvalidField: The window is empty, or begins before the calendar.
        """
        window = _window(start, end or self._now())
        if venue_id is not None:
            await self._venues.require(scope, [venue_id])

        async def compute() -> bytes:
            activity = await self._marketplace.activity(scope, window, venue_id=venue_id, event_id=event_id)
            return activity_message(activity).SerializeToString()

        # A window up to now is another one each time it is asked for: an answer kept for long would miss what
        # the clock alone brings in, so callers share one for the second in which they ask.
        until = window.end if end is not None else window.end.replace(microsecond=0)
        since = start or "default"
        answer = await self._cache.get_or_compute(
            namespace(Topic.MARKETPLACE, venue_id),
            f"{since}/{until}/{'fixed' if end is not None else 'now'}/{event_id}",
            MARKETPLACE.ttl,
            compute,
        )
        return marketplace_pb2.GetMarketplaceActivityResponse.FromString(answer)


def _window(start: datetime | None, end: datetime) -> Window:
    if start is not None:
        return Window.of(start, end)
    try:
        return Window(end - _DEFAULT_LENGTH, end)
    except OverflowError:
        raise InvalidField.of("endDate", "leaves no room for 30 days before it") from None
