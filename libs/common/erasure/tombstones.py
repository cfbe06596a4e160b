"""Which people were erased, so that late events, redeliveries and replays do not bring them back.

Whoever writes what events say about people holds the tenant's lock in shared mode from before it asks for
tombstones until its write is done; a burial takes it alone. So every write either ends before the burial, and
is found by what cleans up after it, or sees the tombstone.
"""

import hmac
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.context import TenantScope
from libs.common.erasure.persons import persons_of, renamed
from libs.common.postgres.database import Connection, Database

KEY_PURPOSE: Final = "erased-customers"
"""What the key of the tombstones is derived for."""

# A statement of its own: one that also read the table would read it as it was before the lock was given.
_SHARE = "select pg_advisory_xact_lock_shared(hashtextextended('people of ' || $1::uuid::text, 0))"
_ALONE = "select pg_advisory_xact_lock(hashtextextended('people of ' || $1::uuid::text, 0))"

# Grain: one erased person among those asked for, by the primary key.
_FIND = "select digest, pseudonym from erased_customers where tenant_id = $1 and digest = any($2::bytea[])"

_BURY = """
insert into erased_customers (tenant_id, digest, pseudonym) values ($1, $2, $3)
on conflict (tenant_id, digest) do nothing
"""


class Tombstones:
    """Tombstones of one service.

    Args:
        key: 32 bytes, the same on every replica and for as long as the tombstones are to hold.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def pseudonym(self, tenant_id: UUID, customer_id: UUID) -> UUID:
        """The id that stands for a person: always the same, and unlinkable to them without the key."""
        return UUID(bytes=self._mac(b"pseudonym", tenant_id, customer_id)[:16], version=4)

    async def bury(self, conn: Connection, tenant_id: UUID, customer_id: UUID, pseudonym: UUID) -> None:
        """From this transaction's commit on, events write the pseudonym in the person's place.

        Returns when no writer that could still name the person is at work.
        """
        await conn.execute(_ALONE, tenant_id)
        await conn.execute(_BURY, tenant_id, self._digest(tenant_id, customer_id), pseudonym)

    async def find(self, conn: Connection, tenant_id: UUID, customer_ids: Iterable[UUID]) -> dict[UUID, UUID]:
        """Pseudonyms of those who were erased, by their ids."""
        by_digest = {self._digest(tenant_id, person): person for person in set(customer_ids)}
        if not by_digest:
            return {}
        rows = await conn.fetch(_FIND, tenant_id, list(by_digest))
        return {by_digest[row["digest"]]: row["pseudonym"] for row in rows}

    async def hide(self, conn: Connection, tenant_id: UUID, events: Sequence[Event]) -> list[Event]:
        """The events as they may be written in this transaction: erased people under their pseudonyms.

        Events that say nothing but who an erased person is are left out.
        """
        people = {person for event in events for person in persons_of(event)}
        if not people:
            return list(events)
        await conn.execute(_SHARE, tenant_id)
        pseudonyms = await self.find(conn, tenant_id, people)
        if not pseudonyms:
            return list(events)
        kept = (renamed(event, pseudonyms) for event in events)
        return [event for event in kept if event is not None]

    def _digest(self, tenant_id: UUID, customer_id: UUID) -> bytes:
        return self._mac(b"tombstone", tenant_id, customer_id)

    def _mac(self, purpose: bytes, tenant_id: UUID, customer_id: UUID) -> bytes:
        return hmac.digest(self._key, b"|".join((purpose, tenant_id.bytes + customer_id.bytes)), "sha256")


class Hiding:
    """Events for stores beside PostgreSQL, whose writers hold the lock while they write.

    Args:
        database: The app role's database, which keeps the tombstones.
        tombstones: The service's.
    """

    def __init__(self, database: Database, tombstones: Tombstones) -> None:
        self._database = database
        self._tombstones = tombstones

    @asynccontextmanager
    async def hidden(self, tenant_id: UUID, events: Sequence[Event]) -> AsyncIterator[list[Event]]:
        """The events as they may be written inside the block, and nowhere after it."""
        async with self._database.transaction(TenantScope(tenant_id)) as conn:
            yield await self._tombstones.hide(conn, tenant_id, events)
