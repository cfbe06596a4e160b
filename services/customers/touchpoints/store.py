"""The MongoDB collection `touchpoints`: what the current caller's tenant knows of who met what."""

from collections.abc import AsyncGenerator, Sequence
from typing import Final
from uuid import UUID

from pymongo import ASCENDING, IndexModel

from libs.common.mongo import Document, Filter, Mongo
from services.customers.touchpoints.documents import newest

COLLECTION: Final = "touchpoints"
_LOOKUP: Final = 250


def _index(name: str, *fields: str) -> IndexModel:
    return IndexModel([(field, ASCENDING) for field in ("tenant_id", *fields)], name=name)


_INDEXES: Final = (
    _index("touchpoint", "id"),
    _index("venue", "venue_id", "at_us"),
    _index("customer", "customer_id", "at_us", "id"),
    _index("session", "session_id"),
    _index("campaign", "campaign_id", "at_us"),
)


class TouchpointStore:
    """Touchpoints by their id.

    Args:
        mongo: Database of the service.
    """

    def __init__(self, mongo: Mongo) -> None:
        self._collection = mongo.collection(COLLECTION)

    async def ensure(self) -> None:
        """Make the indexes; may run any number of times.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        await self._collection.ensure(_INDEXES)

    async def add(self, documents: Sequence[Document]) -> set[str]:
        """Bring the collection to what these statements say; repeating any of them changes nothing.

        Nearly all are new, so they are inserted first; those that were there are replaced one by one, and
        only where an older statement holds.

        Returns:
            Venues that touchpoints belonged to before they were restated.

        Raises:
            DependencyUnavailable: MongoDB is not reachable; repeat all.
        """
        stated = newest(documents)
        await self._collection.keep(list(stated.values()))
        identities, left = list(stated), set[str]()
        for start in range(0, len(identities), _LOOKUP):
            wanted = identities[start : start + _LOOKUP]
            held = await self._collection.find({"id": {"$in": wanted}}, limit=len(wanted))
            for document in held:
                left |= await self._restate(document, stated[document["id"]])
        return left

    async def _restate(self, held: Document, replacing: Document) -> set[str]:
        """Put a newer statement in the place of exactly the one that was read; returns that one's venue."""
        known: Document | None = held
        while known is not None and known["revision"] < replacing["revision"]:
            read = {"id": known["id"], "revision": known["revision"]}
            if await self._collection.update(read, {"$set": replacing}):
                return {known["venue_id"]}
            known = await self._collection.get(known["id"])
        return set()

    def batches(
        self, venue_id: UUID, start_us: int, end_us: int, *, size: int
    ) -> AsyncGenerator[list[Document], None]:
        """Touchpoints of a venue of a time in lists of at most `size`, in any order; by index `venue`.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        query = {"venue_id": str(venue_id), "at_us": {"$gte": start_us, "$lt": end_us}}
        return self._collection.batches(query, size=size)

    async def span(self, venue_id: UUID, campaign_id: UUID) -> tuple[int, int] | None:
        """Times of a campaign's first and last touchpoint, by index `campaign`; None without any.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        query = {"campaign_id": str(campaign_id), "venue_id": str(venue_id)}
        ends = []
        for direction in (1, -1):
            found = await self._collection.find(query, sort=[("at_us", direction)], limit=1)
            ends += [document["at_us"] for document in found]
        return (ends[0], ends[1]) if len(ends) == 2 else None

    async def latest(self, query: Filter, *, limit: int) -> list[Document]:
        """At most `limit` touchpoints that fit, the newest first.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        return await self._collection.find(query, sort=[("at_us", -1), ("id", -1)], limit=limit)
