"""The MongoDB collection `user_behavior`: sessions of the current caller's tenant."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Final, Self
from uuid import UUID

from pymongo import ASCENDING, DESCENDING, IndexModel

from libs.common.mongo import Document, Mongo
from services.customers.behavior.documents import Visit, merged
from services.customers.settings import CustomersSettings

COLLECTION: Final = "user_behavior"
_LOOKUP: Final = 100
_BATCH: Final = 1_000
_NAMING: Final = ("session_id", "customer_id", "first_microseconds")
_NEWEST_FIRST: Final = (("first_microseconds", DESCENDING), ("id", DESCENDING))


class BehaviorStore:
    """Documents of sessions, by person.

    Args:
        mongo: Database of the service.
        kept: How long a session is kept after its last step.
    """

    @classmethod
    def of(cls, mongo: Mongo, settings: CustomersSettings) -> Self:
        """The store with the expiry that is configured."""
        return cls(mongo, kept=timedelta(days=settings.behavior_retention_days))

    def __init__(self, mongo: Mongo, *, kept: timedelta) -> None:
        self._collection = mongo.collection(COLLECTION)
        self._kept = kept

    async def ensure(self) -> None:
        """Make the indexes, and bring their expiry to what is configured; may run any number of times.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        person = [
            ("tenant_id", ASCENDING),
            ("customer_id", ASCENDING),
            ("first_microseconds", DESCENDING),
            ("id", DESCENDING),
        ]
        await self._collection.ensure(
            [
                IndexModel([("tenant_id", ASCENDING), ("id", ASCENDING)], name="session", unique=True),
                IndexModel(person, name="person"),
                IndexModel(
                    [("tenant_id", ASCENDING), ("venue_id", ASCENDING), ("session_id", ASCENDING)],
                    name="visitors",
                ),
                IndexModel(
                    [("last_at", ASCENDING)],
                    name="expiry",
                    expireAfterSeconds=int(self._kept.total_seconds()),
                ),
            ]
        )

    async def add(self, visits: Sequence[Visit]) -> None:
        """Bring sessions to hold these steps; steps that they hold already change nothing.

        A session that another writer changed meanwhile is read again; every repetition means that one of them
        has succeeded.

        Raises:
            DependencyUnavailable: MongoDB is not reachable; repeat all.
        """
        by_session: dict[str, list[Visit]] = defaultdict(list)
        for visit in visits:
            by_session[visit.document_id].append(visit)
        for start in range(0, len(by_session), _LOOKUP):
            identities = sorted(by_session)[start : start + _LOOKUP]
            await self._merge({identity: by_session[identity] for identity in identities})

    async def _merge(self, by_session: dict[str, list[Visit]]) -> None:
        waiting = by_session
        while waiting:
            found = await self._collection.find({"id": {"$in": list(waiting)}}, limit=len(waiting))
            stored = {document["id"]: document for document in found}
            new = [merged(visits[0].start, visits) for key, visits in waiting.items() if key not in stored]
            if new:
                await self._collection.keep(new)
            changed = [
                document | {"edition": stored[key]["edition"] + 1}
                for key, visits in waiting.items()
                if key in stored and (document := merged(stored[key], visits)) != stored[key]
            ]
            replaced = await self._collection.exchange(changed)
            again = {document["id"] for document in new}
            if replaced < len(changed):
                again |= {document["id"] for document in changed}
            waiting = {key: by_session[key] for key in again}

    async def visitors(
        self, venue_id: UUID, session_ids: Sequence[str]
    ) -> AsyncGenerator[list[Document], None]:
        """Everybody who is known in one of these sessions at a venue, in lists, by index `visitors`.

        Of each document the session, the person and the first moment alone.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        for start in range(0, len(session_ids), _LOOKUP):
            wanted = list(session_ids[start : start + _LOOKUP])
            query = {"venue_id": str(venue_id), "session_id": {"$in": wanted}}
            found = self._collection.batches(query, fields=_NAMING, size=_BATCH)
            async with aclosing(found) as batches:
                async for batch in batches:
                    yield batch

    async def sessions(self, customer_id: UUID, query: Document, *, limit: int) -> list[Document]:
        """Sessions of a person that fit a further query, the one that began last first.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        return await self._collection.find(
            {"customer_id": str(customer_id), **query}, sort=_NEWEST_FIRST, limit=limit
        )
