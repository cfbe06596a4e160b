"""MongoDB collections that cannot be used without a tenant; their writes survive a crash of the server."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self
from uuid import UUID

import pymongo
from pymongo import AsyncMongoClient, IndexModel, ReplaceOne, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, ConnectionFailure, OperationFailure, PyMongoError

from libs.common.context import current_caller
from libs.common.errors import DependencyUnavailable

Document = dict[str, Any]
Filter = Mapping[str, Any]

_TENANT = "tenant_id"
_HIDDEN = {"_id": 0, _TENANT: 0}
_BATCH = 250  # one operation's share of its time limit
_LOOKUP = 100
_PATIENCE_SECONDS = 600
_OTHER_OPTIONS = frozenset({85, 86})  # IndexOptionsConflict, IndexKeySpecsConflict
_DUPLICATE_KEY = 11000
# They read or write beyond the documents that the tenant's $match let through.
_REACHING_OUT = frozenset(
    {"$lookup", "$graphLookup", "$unionWith", "$out", "$merge", "$where", "$function", "$accumulator"}
)


class TenantRequired(ValueError):
    """A query, update or pipeline tried to name a tenant itself, or to leave its tenant's documents."""


class Mongo:
    """One database of one service."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database

    @classmethod
    def connect(cls, url: str, *, database: str, application_name: str, timeout_seconds: float = 5.0) -> Self:
        """The service's database (the URL's own, if it names one); connects when first used.

        Args:
            url: `mongodb://` URL.
            database: Name of the database when the URL names none.
            application_name: Shown in the server's log.
            timeout_seconds: Longest time of one operation, finding a server included.
        """
        client: AsyncMongoClient[Document] = AsyncMongoClient(
            url, tz_aware=True, appname=application_name, timeoutMS=int(timeout_seconds * 1000)
        )
        return cls(client.get_default_database(database))

    def collection(self, name: str) -> "TenantCollection":
        # An acknowledgement without the journal would not survive a crash of the server.
        return TenantCollection(self._database.get_collection(name, write_concern=WriteConcern(w=1, j=True)))

    async def check(self) -> None:
        """Return when the server answers.

        Raises:
            DependencyUnavailable: It does not.
        """
        with reaching_mongodb():
            await self._database.command("ping")

    async def close(self) -> None:
        await self._database.client.close()


class TenantCollection:
    """The current caller's documents in a collection: every operation adds the tenant.

    A document has an `id` of its own, unique for the tenant; the tenant and MongoDB's `_id` are added on the
    way in and left out on the way back.

    Raises:
        LookupError: Any operation outside a call and outside `acting_as`.
        TenantRequired: An argument names the tenant, or leaves its documents.
        DependencyUnavailable: The server is not reachable or too slow; what was written may be repeated.
    """

    def __init__(self, collection: AsyncCollection[Document]) -> None:
        self._collection = collection

    async def ensure(self, indexes: Sequence[IndexModel]) -> None:
        """Make the indexes, replacing those that changed; may run any number of times, needs no tenant."""
        with reaching_mongodb():
            for index in indexes:
                try:
                    await self._collection.create_indexes([index])
                except OperationFailure as error:
                    if error.code not in _OTHER_OPTIONS:
                        raise
                    await self._collection.drop_index(index.document["name"])
                    await self._collection.create_indexes([index])

    async def upsert(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Write documents by their `id`, whether they were there or not: repeating it changes nothing."""
        tenant_id = current_caller().tenant_id
        for start in range(0, len(documents), _BATCH):
            operations = []
            for document in documents[start : start + _BATCH]:
                stored = _stored(document, tenant_id)
                operations.append(ReplaceOne({"_id": stored["_id"]}, stored, upsert=True))
            with reaching_mongodb():
                await self._collection.bulk_write(operations, ordered=False)

    async def keep(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Write documents whose `id` is not there yet; the others stay as they are. Cheaper than `upsert`."""
        tenant_id = current_caller().tenant_id
        for start in range(0, len(documents), _BATCH):
            batch = [_stored(document, tenant_id) for document in documents[start : start + _BATCH]]
            with reaching_mongodb():
                try:
                    await self._collection.insert_many(batch, ordered=False)
                except BulkWriteError as error:
                    if not _is_only_about_duplicates(error):
                        raise

    async def exchange(self, documents: Sequence[Mapping[str, Any]]) -> int:
        """Replace documents that nobody changed since they were read; returns how many there were.

        Args:
            documents: Each with an `edition` one above that of the stored document of its `id`.
        """
        tenant_id, replaced = current_caller().tenant_id, 0
        for start in range(0, len(documents), _BATCH):
            operations = []
            for document in documents[start : start + _BATCH]:
                stored = _stored(document, tenant_id)
                read = {"_id": stored["_id"], "edition": document["edition"] - 1}
                operations.append(ReplaceOne(read, stored))
            with reaching_mongodb():
                replaced += (await self._collection.bulk_write(operations, ordered=False)).matched_count
        return replaced

    async def get(self, identity: str) -> Document | None:
        """The document of this id."""
        with reaching_mongodb():
            return await self._collection.find_one(
                {"_id": _identity(current_caller().tenant_id, identity)}, _HIDDEN
            )

    async def present(self, identities: Sequence[str]) -> set[str]:
        """Those of the ids that have a document."""
        tenant_id = current_caller().tenant_id
        wanted = {_identity(tenant_id, identity): identity for identity in identities}
        found: set[str] = set()
        for start in range(0, len(wanted), _LOOKUP):
            query = {"_id": {"$in": list(wanted)[start : start + _LOOKUP]}}
            with reaching_mongodb():
                documents = await self._collection.find(query, {"_id": 1}).to_list()
            found |= {wanted[document["_id"]] for document in documents}
        return found

    async def find_one(self, query: Filter) -> Document | None:
        with reaching_mongodb():
            return await self._collection.find_one(_own(query), _HIDDEN)

    async def find(
        self, query: Filter, *, sort: Sequence[tuple[str, int]] = (), limit: int, skip: int = 0
    ) -> list[Document]:
        """At most `limit` documents."""
        with reaching_mongodb():
            cursor = self._collection.find(_own(query), _HIDDEN, sort=list(sort) or None, skip=skip)
            return await cursor.limit(limit).to_list(limit)

    async def batches(
        self, query: Filter, *, sort: Sequence[tuple[str, int]] = (), fields: Sequence[str] = (), size: int
    ) -> AsyncGenerator[list[Document], None]:
        """All documents in lists of at most `size`, fetched as they are consumed; only these fields, if any.

        The first of them may take minutes: a server without an index for the order sorts everything.
        """
        _refuse_tenant(dict.fromkeys(fields))
        shown = {"_id": 0, **dict.fromkeys(fields, 1)} if fields else _HIDDEN
        cursor = self._collection.find(_own(query), shown, sort=list(sort) or None, batch_size=size)
        async with cursor:
            async with self._patiently():
                batch = await cursor.to_list(size)
            while batch:
                yield batch
                with reaching_mongodb():
                    batch = await cursor.to_list(size)

    async def count(self, query: Filter) -> int:
        """How many documents there are; reads all of them, which may take minutes."""
        async with self._patiently():
            return await self._collection.count_documents(_own(query))

    @asynccontextmanager
    async def _patiently(self) -> AsyncIterator[None]:
        """Time for an operation that reads much; a server that is away is told at the usual time."""
        with reaching_mongodb():
            await self._collection.database.command("ping")
            with pymongo.timeout(_PATIENCE_SECONDS):
                yield

    async def update(self, query: Filter, change: Mapping[str, Any]) -> int:
        """Change every matching document; returns how many matched."""
        _refuse_tenant(change)
        with reaching_mongodb():
            return (await self._collection.update_many(_own(query), change)).matched_count

    async def delete(self, query: Filter) -> int:
        """Delete every matching document; returns how many there were."""
        with reaching_mongodb():
            return (await self._collection.delete_many(_own(query))).deleted_count

    async def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        """The pipeline's result over the tenant's documents only, `_id` (a group's key) included."""
        for stage in pipeline:
            _refuse_reaching_out(stage)
        own: list[Mapping[str, Any]] = [{"$match": _own({})}, {"$unset": ["_id", _TENANT]}, *pipeline]
        with reaching_mongodb():
            cursor = await self._collection.aggregate(own)
            return await cursor.to_list()


@contextmanager
def reaching_mongodb() -> Iterator[None]:
    """Turn a server that is away, or too slow, into DependencyUnavailable."""
    try:
        yield
    except PyMongoError as error:
        if isinstance(error, ConnectionFailure) or error.timeout:
            raise DependencyUnavailable("MongoDB is not reachable", dependency="mongo") from error
        raise


def _is_only_about_duplicates(error: BulkWriteError) -> bool:
    failures = error.details["writeErrors"]
    return not error.details.get("writeConcernErrors") and all(
        failure["code"] == _DUPLICATE_KEY for failure in failures
    )


def _own(query: Filter) -> Document:
    tenant_id = current_caller().tenant_id
    _refuse_tenant(query)
    _refuse_reaching_out(query)
    return {_TENANT: str(tenant_id), **query}


def _stored(document: Mapping[str, Any], tenant_id: UUID) -> Document:
    if _TENANT in document or "_id" in document:
        raise TenantRequired("the tenant and _id are added on the way in")
    return {**document, "_id": _identity(tenant_id, document["id"]), _TENANT: str(tenant_id)}


def _identity(tenant_id: UUID, identity: str) -> str:
    """MongoDB's `_id` of a document: the index on it serves reads by id."""
    return f"{tenant_id}:{identity}"


def _refuse_tenant(part: object) -> None:
    """No key, renamed field or field path may be the tenant: it comes from the caller alone."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            if key in {_TENANT, "_id"} or (key == "$rename" and _TENANT in dict(value).values()):
                raise TenantRequired(f"{key} is not for callers")
            _refuse_tenant(value)
    elif isinstance(part, list | tuple):
        for item in part:
            _refuse_tenant(item)


def _refuse_reaching_out(part: object) -> None:
    if isinstance(part, Mapping):
        if reaching := _REACHING_OUT & part.keys():
            raise TenantRequired(f"{', '.join(sorted(reaching))} would leave the tenant's documents")
        for value in part.values():
            _refuse_reaching_out(value)
    elif isinstance(part, list | tuple):
        for item in part:
            _refuse_reaching_out(item)
