"""The MongoDB collection `raw_analytics`: events of the current caller's tenant."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Self

from pymongo import ASCENDING, IndexModel

from libs.common.mongo import Document, Mongo

COLLECTION: Final = "raw_analytics"


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
        replay = [("tenant_id", ASCENDING), ("stored_at", ASCENDING), ("_id", ASCENDING)]
        expiry = int(self._kept.total_seconds())
        await self._collection.ensure(
            [
                IndexModel(replay, name="replay"),
                IndexModel([("stored_at", ASCENDING)], name="expiry", expireAfterSeconds=expiry),
            ]
        )

    async def put(self, documents: Sequence[Document]) -> None:
        """Keep events that are not kept yet; the others stay as they are.

        Raises:
            DependencyUnavailable: MongoDB is not reachable; some may have been stored, repeat all.
        """
        await self._collection.keep(documents)

    async def check(self) -> None:
        """Return when MongoDB answers.

        Raises:
            DependencyUnavailable: It does not.
        """
        await self._mongo.check()

    async def close(self) -> None:
        await self._mongo.close()
