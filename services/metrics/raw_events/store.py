"""The MongoDB collection `raw_analytics`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, Self

from pymongo import ASCENDING, AsyncMongoClient, IndexModel, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, ConnectionFailure, OperationFailure, PyMongoError

from libs.common.errors import DependencyUnavailable
from services.metrics.raw_events.documents import Document

COLLECTION: Final = "raw_analytics"
_EXPIRY: Final = "stored_at_expiry"
_OTHER_INDEX_OF_THIS_NAME: Final = frozenset({85, 86})  # IndexOptionsConflict, IndexKeySpecsConflict
_DUPLICATE_KEY: Final = 11000
_TIMEOUT_MS: Final = 5000  # of a whole operation, finding a server included


class RawEventStore:
    """Raw events of all tenants; every id begins with its tenant.

    Args:
        database: MongoDB database of the service.
        kept: How long an event is kept after it was stored.
    """

    @classmethod
    def connect(cls, url: str, *, kept: timedelta) -> Self:
        """The store behind a URL (database "metrics" unless it names one); connects when it is first used."""
        client: AsyncMongoClient[Document] = AsyncMongoClient(
            url, tz_aware=True, appname="metrics", timeoutMS=_TIMEOUT_MS
        )
        return cls(client.get_default_database("metrics"), kept=kept)

    def __init__(self, database: AsyncDatabase[Document], *, kept: timedelta) -> None:
        # An acknowledgement without the journal would not survive a crash of the server.
        self._collection: AsyncCollection[Document] = database.get_collection(
            COLLECTION, write_concern=WriteConcern(w=1, j=True)
        )
        self._database = database
        self._kept = kept

    async def ensure(self) -> None:
        """Make the indexes, and bring their expiry to what is configured; may run any number of times.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        replay = [("tenant_id", ASCENDING), ("stored_at", ASCENDING), ("_id", ASCENDING)]
        with _reaching_mongodb():
            await self._collection.create_indexes([IndexModel(replay, name="replay")])
            await self._ensure_expiry(int(self._kept.total_seconds()))

    async def put(self, documents: Sequence[Document]) -> None:
        """Keep events that are not kept yet; the others stay as they are.

        Raises:
            DependencyUnavailable: MongoDB is not reachable; some may have been stored, repeat all.
        """
        with _reaching_mongodb():
            try:
                await self._collection.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                if not _is_only_about_duplicates(error):
                    raise

    async def check(self) -> None:
        """Return when MongoDB answers.

        Raises:
            DependencyUnavailable: It does not.
        """
        with _reaching_mongodb():
            await self._database.command("ping")

    async def close(self) -> None:
        await self._database.client.close()

    async def _ensure_expiry(self, seconds: int) -> None:
        index = IndexModel([("stored_at", ASCENDING)], name=_EXPIRY, expireAfterSeconds=seconds)
        try:
            await self._collection.create_indexes([index])
        except OperationFailure as error:
            if error.code not in _OTHER_INDEX_OF_THIS_NAME:
                raise
            change: dict[str, Any] = {"name": _EXPIRY, "expireAfterSeconds": seconds}
            await self._database.command("collMod", COLLECTION, index=change)


@contextmanager
def _reaching_mongodb() -> Iterator[None]:
    """Turn a server that is away, or too slow, into DependencyUnavailable: the work is repeated later."""
    try:
        yield
    except PyMongoError as error:
        if isinstance(error, ConnectionFailure) or error.timeout:
            raise DependencyUnavailable(
                "the store of raw events is not reachable", dependency="mongo"
            ) from error
        raise


def _is_only_about_duplicates(error: BulkWriteError) -> bool:
    failures = error.details["writeErrors"]
    return not error.details.get("writeConcernErrors") and all(
        failure["code"] == _DUPLICATE_KEY for failure in failures
    )
