"""The MongoDB collection `raw_analytics`: events of the current caller's tenant."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Self
from uuid import UUID

from pymongo import ASCENDING, IndexModel

from libs.common.buckets import microseconds
from libs.common.mongo import Document, Mongo

COLLECTION: Final = "raw_analytics"
_STORED: Final = (("stored_at", ASCENDING), ("id", ASCENDING))


class Position(NamedTuple):
    """A place in the order in which events were stored."""

    stored_at: datetime
    id: str

    @classmethod
    def start(cls) -> Self:
        """Before every event."""
        return cls(datetime(1970, 1, 1, tzinfo=UTC), "")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events to read: those stored before an instant, of some types, that occurred within a window.

    No types: all. An end of the window that is None is open. With a customer: only those that name them.
    """

    stored_before: datetime
    types: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    customer_id: UUID | None = None

    def query(self) -> Document:
        """Types, window and person as MongoDB has them."""
        query: Document = {"type": {"$in": list(self.types)}} if self.types else {}
        if self.customer_id is not None:
            query["people"] = str(self.customer_id)
        occurred = {}
        if self.start is not None:
            occurred["$gte"] = microseconds(self.start)
        if self.end is not None:
            occurred["$lt"] = microseconds(self.end)
        return {**query, "occurred_microseconds": occurred} if occurred else query


class RawEventStore:
    """Raw events, kept once by their event's id.

    Args:
        mongo: Database of the service.
        kept: How long an event is kept after it was stored.
    """

    @classmethod
    def connect(cls, url: str, *, kept: timedelta) -> Self:
        """The store behind a URL; connects when it is first used."""
        return cls(Mongo.connect(url, database="metrics", application_name="metrics"), kept=kept)

    def __init__(self, mongo: Mongo, *, kept: timedelta) -> None:
        self._mongo = mongo
        self._collection = mongo.collection(COLLECTION)
        self._kept = kept

    async def ensure(self) -> None:
        """Make the indexes, and bring their expiry to what is configured; may run any number of times.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        replay = [("tenant_id", ASCENDING), ("stored_at", ASCENDING), ("id", ASCENDING)]
        people = [("tenant_id", ASCENDING), ("people", ASCENDING)]
        expiry = int(self._kept.total_seconds())
        await self._collection.ensure(
            [
                IndexModel(replay, name="replay"),
                IndexModel(people, name="people"),
                IndexModel([("stored_at", ASCENDING)], name="expiry", expireAfterSeconds=expiry),
            ]
        )

    async def put(self, documents: Sequence[Document]) -> None:
        """Keep events that are not kept yet; the others stay as they are.

        Raises:
            DependencyUnavailable: MongoDB is not reachable; some may have been stored, repeat all.
        """
        await self._collection.keep(documents)

    async def replace(self, documents: Sequence[Document]) -> None:
        """Put documents in the place of those with their ids.

        Raises:
            DependencyUnavailable: MongoDB is not reachable; some may have been replaced, repeat all.
        """
        await self._collection.upsert(documents)

    async def delete(self, event_ids: Sequence[str]) -> None:
        """Delete events; those that are not there need not be.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        if event_ids:
            await self._collection.delete({"id": {"$in": list(event_ids)}})

    async def naming(self, customer_id: UUID, *, after: str = "", limit: int) -> list[Document]:
        """Events that name a person, by id, after one of these ids.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        query = {"people": str(customer_id), "id": {"$gt": after}}
        return await self._collection.find(query, sort=[("id", ASCENDING)], limit=limit)

    async def of_untold_people(self, *, limit: int) -> list[Document]:
        """Events that were kept before documents told whom they name, by index `people`.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        return await self._collection.find({"people": {"$exists": False}}, limit=limit)

    def batches(self, wanted: Wanted, after: Position, size: int) -> AsyncGenerator[list[Document], None]:
        """Events in the order in which they were stored, after a position, in lists of at most `size`.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        later = {
            "$or": [
                {"stored_at": after.stored_at, "id": {"$gt": after.id}},
                {"stored_at": {"$gt": after.stored_at}},
            ]
        }
        query = {
            "stored_at": {"$gte": after.stored_at, "$lt": wanted.stored_before},
            **wanted.query(),
            **later,
        }
        return self._collection.batches(query, sort=_STORED, size=size)

    async def count(self, wanted: Wanted) -> int:
        """How many events are wanted.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        query = {"stored_at": {"$lt": wanted.stored_before}, **wanted.query()}
        return await self._collection.count(query)

    async def oldest(self) -> datetime | None:
        """When the first event that is still kept was stored.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        async with aclosing(self._collection.batches({}, sort=_STORED, size=1)) as batches:
            async for batch in batches:
                first: datetime = batch[0]["stored_at"]
                return first
        return None

    async def known(self, event_ids: Sequence[str]) -> set[str]:
        """Those of the ids that are kept.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        return await self._collection.present(event_ids)

    @property
    def kept(self) -> timedelta:
        """How long an event is kept."""
        return self._kept

    async def check(self) -> None:
        """Return when MongoDB answers.

        Raises:
            DependencyUnavailable: It does not.
        """
        await self._mongo.check()

    async def close(self) -> None:
        await self._mongo.close()
