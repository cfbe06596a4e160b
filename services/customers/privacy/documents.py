"""A person's documents in MongoDB: touchpoints and sessions, found by the field that says whose they are."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from libs.common.mongo import Document, Mongo
from services.customers.privacy.access import Section
from services.customers.privacy.access_store import Asked, Rows

TOUCHPOINTS: Final = "touchpoints"
BEHAVIOR: Final = "user_behavior"


class PersonalDocuments:
    """Documents of the current caller's tenant.

    Args:
        mongo: Database of the service.
    """

    def __init__(self, mongo: Mongo) -> None:
        self._collections = {name: mongo.collection(name) for name in (TOUCHPOINTS, BEHAVIOR)}

    async def forget(self, customer_id: UUID, pseudonym: UUID) -> Mapping[str, int]:
        """Take a person out; returns how many documents named them, by collection.

        Touchpoints stay under the pseudonym, without what senders added freely: conversions are credited to
        them. What somebody looked at is of no use without them, and goes.

        Raises:
            DependencyUnavailable: MongoDB is not reachable; what was done stays so, repeat it.
        """
        named = {"customer_id": str(customer_id)}
        change = {"$set": {"customer_id": str(pseudonym)}, "$unset": {"metadata": ""}}
        return {
            TOUCHPOINTS: await self._collections[TOUCHPOINTS].update(named, change),
            BEHAVIOR: await self._collections[BEHAVIOR].delete(named),
        }

    async def name(self, customer_id: UUID) -> bool:
        """Whether a document names this person.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        for collection in self._collections.values():
            if await collection.find_one({"customer_id": str(customer_id)}) is not None:
                return True
        return False

    def sections(self) -> list[Section]:
        """What an answer about a person takes from here."""
        return [self._section(name) for name in self._collections]

    def _section(self, name: str) -> Section:
        async def read(asked: Asked) -> Rows:
            query: Document = {"customer_id": str(asked.customer_id), "id": {"$gt": asked.after}}
            if asked.scope.venue_ids is not None:
                query["venue_id"] = {"$in": sorted(map(str, asked.scope.venue_ids))}
            found = await self._collections[name].find(query, sort=[("id", 1)], limit=asked.limit)
            return [(document["id"], _plain(document)) for document in found]

        return Section("customers", name, read, _without_metadata)


def _without_metadata(document: Document) -> Document:
    """What senders add freely to a touchpoint may greet somebody by name."""
    return {field: value for field, value in document.items() if field != "metadata"}


def _plain(document: Document) -> Document:
    """The document as JSON has it."""
    return {field: _plain_value(value) for field, value in document.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, list):
        return [_plain_value(one) for one in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
