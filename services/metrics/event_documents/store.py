"""The MongoDB collection `events`: a document a show of the current caller's tenant."""

from collections.abc import Callable
from typing import Final, Self

from pymongo import ASCENDING, IndexModel

from libs.common.mongo import Document, Mongo

COLLECTION: Final = "events"


class EventDocumentStore:
    """Documents of shows, by the show's id.

    Args:
        mongo: Database of the service.
    """

    @classmethod
    def connect(cls, url: str) -> Self:
        """The store behind a URL; connects when it is first used."""
        return cls(Mongo.connect(url, database="metrics", application_name="metrics"))

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._collection = mongo.collection(COLLECTION)

    async def ensure(self) -> None:
        """Make the index by which documents are changed; may run any number of times.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        show = [("tenant_id", ASCENDING), ("id", ASCENDING)]
        await self._collection.ensure([IndexModel(show, name="show", unique=True)])

    async def get(self, show_id: str) -> Document | None:
        """The document of a show.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        return await self._collection.get(show_id)

    async def change(self, empty: Document, change: Callable[[Document], Document]) -> None:
        """Bring a document, made empty where there is none, to what `change` makes of it.

        What another writer has changed meanwhile is read again, so that nothing is lost; every repetition
        means that one of them has succeeded.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        while True:
            stored = await self._collection.get(empty["id"])
            if stored is None:
                await self._collection.keep([empty])
                continue
            changed = change(stored)
            if changed == stored:
                return
            edition = {"id": stored["id"], "edition": stored["edition"]}
            if await self._collection.update(edition, {"$set": changed | {"edition": stored["edition"] + 1}}):
                return

    async def close(self) -> None:
        await self._mongo.close()
