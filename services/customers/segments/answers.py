"""Segments as answers of the contract, kept until a fact of the venue or a run changes them."""

from hashlib import blake2b
from uuid import UUID

from tickettoken.customers.v1 import segments_pb2

from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import CUSTOMER_FACTS
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from services.customers.namespaces import venue_namespace
from services.customers.segments.mapping import analysis_message, report_message
from services.customers.segments.reports import SegmentReports


class SegmentAnswers:
    """Segments for callers; what they may see is checked before the cache is asked.

    Args:
        reports: Segments as scores stand.
        venues: Venues of every tenant.
        cache: Answers made before.
    """

    def __init__(self, reports: SegmentReports, venues: Venues, cache: Cache) -> None:
        self._reports = reports
        self._venues = venues
        self._cache = cache

    async def report(
        self, scope: TenantScope, venue_id: UUID | None
    ) -> segments_pb2.ListCustomerSegmentsResponse:
        """Segments of a venue, or of all that the scope sees.

        Raises:
            VenueNotFound: The scope has no such venue.
        """
        if venue_id is not None:
            await self._venues.require(scope, [venue_id])

        async def compute() -> bytes:
            return report_message(await self._reports.report(scope, venue_id)).SerializeToString()

        answer = await self._cache.get_or_compute(
            venue_namespace(venue_id),
            f"segments|{await self._own(scope, venue_id)}",
            CUSTOMER_FACTS.ttl,
            compute,
        )
        return segments_pb2.ListCustomerSegmentsResponse.FromString(answer)

    async def analysis(
        self, scope: TenantScope, venue_id: UUID, segment: str
    ) -> segments_pb2.AnalyzeSegmentResponse:
        """One segment of a venue.

        Raises:
            VenueNotFound: The scope has no such venue.
            SegmentNotFound: The venue has no such segment.
        """
        await self._venues.require(scope, [venue_id])

        async def compute() -> bytes:
            found = await self._reports.analysis(scope, venue_id, segment)
            return analysis_message(found).SerializeToString()

        answer = await self._cache.get_or_compute(
            venue_namespace(venue_id),
            f"segment|{segment}|{await self._own(scope, venue_id)}",
            CUSTOMER_FACTS.ttl,
            compute,
        )
        return segments_pb2.AnalyzeSegmentResponse.FromString(answer)

    async def one(self, scope: TenantScope, venue_id: UUID, segment: str) -> segments_pb2.CustomerSegment:
        """One segment of a venue as the transaction in progress sees it, past the cache.

        Raises:
            SegmentNotFound: The venue has no such segment.
        """
        found = await self._reports.analysis(scope, venue_id, segment)
        return analysis_message(found).segment

    async def _own(self, scope: TenantScope, venue_id: UUID | None) -> str:
        """What tells the tenant's own segments from others: making or deleting one is a new question."""
        if venue_id is None:
            return ""
        made = await self._reports.made(scope, venue_id)
        told = "|".join(f"{segment} {at.isoformat()}" for segment, at in made)
        return blake2b(told.encode(), digest_size=8).hexdigest()
