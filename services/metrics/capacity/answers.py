"""Seats as answers of the contract, cached until a fact of the venue changes them."""

from uuid import UUID

from tickettoken.metrics.v1 import capacity_pb2

from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import CAPACITY
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from services.metrics.capacity.mapping import report_message
from services.metrics.capacity.report import Capacity
from services.metrics.namespaces import Topic, namespace


class CapacityAnswers:
    """Seats for callers; what they may see is checked before the cache is asked."""

    def __init__(self, capacity: Capacity, venues: Venues, cache: Cache) -> None:
        self._capacity = capacity
        self._venues = venues
        self._cache = cache

    async def report(
        self, scope: TenantScope, venue_id: UUID, event_id: UUID | None
    ) -> capacity_pb2.GetCapacityMetricsResponse:
        """Seats of one show, or of the venue's shows to come.

        Raises:
            VenueNotFound: The scope has no such venue.
            EventNotFound: The venue has no such show.
            TooManyEvents: More shows are to come than one answer holds.
        """
        await self._venues.require(scope, [venue_id])

        async def compute() -> bytes:
            report = await self._capacity.report(scope, venue_id, event_id)
            return report_message(report).SerializeToString()

        answer = await self._cache.get_or_compute(
            namespace(Topic.CAPACITY, venue_id), str(event_id or "open"), CAPACITY.ttl, compute
        )
        return capacity_pb2.GetCapacityMetricsResponse.FromString(answer)
