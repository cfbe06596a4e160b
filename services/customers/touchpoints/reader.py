"""Use cases: what a person met, and what a venue's people met."""

from collections.abc import AsyncGenerator, Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.buckets import microseconds
from libs.common.context import TenantScope
from libs.common.mongo import Document
from services.customers.touchpoints.documents import Touchpoint, touchpoint_of
from services.customers.touchpoints.store import TouchpointStore

_BATCH = 2000


class Before(NamedTuple):
    """A place in the order of touchpoints, the newest first."""

    at: datetime
    touchpoint_id: str


class TouchpointReader:
    """Touchpoints of the current caller's tenant."""

    def __init__(self, store: TouchpointStore) -> None:
        self._store = store

    async def of_person(
        self,
        scope: TenantScope,
        venue_id: UUID | None,
        customer_id: UUID,
        before: Before | None,
        limit: int,
        *,
        sessions: Collection[str] = (),
        since: datetime | None = None,
    ) -> list[Touchpoint]:
        """Touchpoints that name a person, or name nobody in one of the given sessions; the newest first.

        Args:
            scope: Only venues that it grants.
            venue_id: Only at this venue; None: at all granted ones.
            customer_id: The person.
            before: Only those behind this place; None: from the newest on.
            limit: Most touchpoints.
            sessions: Sessions that are known to be this person's.
            since: Only those at this instant or later.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        query: Document = {"customer_id": str(customer_id)}
        if sessions:
            own = {"customer_id": None, "session_id": {"$in": sorted(sessions)}}
            query = {"$or": [query, own]}
        parts = [query]
        if venue_id is not None:
            parts.append({"venue_id": str(venue_id)})
        if scope.venue_ids is not None:
            parts.append({"venue_id": {"$in": sorted(map(str, scope.venue_ids))}})
        if since is not None:
            parts.append({"at_us": {"$gte": microseconds(since)}})
        if before is not None:
            at = microseconds(before.at)
            earlier = [{"at_us": {"$lt": at}}, {"at_us": at, "id": {"$lt": before.touchpoint_id}}]
            parts.append({"$or": earlier})
        found = await self._store.latest({"$and": parts}, limit=limit)
        return [touchpoint_of(document) for document in found]

    def of_venue(self, venue_id: UUID, start_us: int, end_us: int) -> AsyncGenerator[list[Document], None]:
        """All of a venue's touchpoints of a time as documents, in batches as they are consumed.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        return self._store.batches(venue_id, start_us, end_us, size=_BATCH)

    async def span(self, venue_id: UUID, campaign_id: UUID) -> tuple[int, int] | None:
        """When a campaign was first and last met at its venue, in microseconds; None when it never was.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        return await self._store.span(venue_id, campaign_id)
