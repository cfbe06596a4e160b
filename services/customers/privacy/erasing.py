"""Begins erasures and tells how far they have come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from libs.common.bus import outbox
from libs.common.context import Caller, TenantScope
from libs.common.erasure.tombstones import Tombstones
from libs.common.errors import InvalidField
from libs.common.jobs.queue import Grant, enqueue
from libs.common.postgres.database import Connection, Database
from libs.common.sealing import Seal
from services.customers.auditing import actor_of
from services.customers.errors import CustomerNotFound, ErasureNotFound
from services.customers.people.naming import names
from services.customers.privacy.announcing import SERVICE, customer_erased, erasure_audited
from services.customers.privacy.erasures import Erasure
from services.customers.privacy.known_store import Known, KnownStore, MetElsewhere
from services.customers.privacy.store import ErasureStore, NewErasure

ERASE_JOB = "privacy.erase"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What hides people: tombstones of ids, the seal of an id in work, the key of callers' pseudonyms."""

    tombstones: Tombstones
    seal: Seal
    audit_key: bytes


class Erasing:
    """Erasures of the caller's tenant.

    Args:
        database: The app role's database.
        secrets: See there.
        services: Every service that must confirm, this one included.
        met_elsewhere: Looks beyond PostgreSQL for people that only behaviour or touchpoints name.
    """

    def __init__(
        self, database: Database, secrets: Secrets, services: Sequence[str], met_elsewhere: MetElsewhere
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._services = tuple(services)
        self._met_elsewhere = met_elsewhere

    async def begin(self, caller: Caller, customer_id: UUID, reason: str) -> Erasure:
        """Hide a person from everything that is written from now on, and queue the removal of what there is.

        Raises:
            CustomerNotFound: The caller cannot see such a person, and none was erased.
            InvalidField: The reason names the person.
            TransactionConflict: Writers hold the person's data for too long; nothing was begun.
        """
        tenant_id = caller.tenant_id
        pseudonym = self._secrets.tombstones.pseudonym(tenant_id, customer_id)
        async with self._database.transaction(caller.scope) as conn:
            store = ErasureStore(conn, tenant_id)
            if (before := await store.of_pseudonym(pseudonym)) is not None:
                return before
            await self._require(conn, caller.scope, customer_id, reason)
            await self._secrets.tombstones.bury(conn, tenant_id, customer_id, pseudonym)
            new = self._new(caller, customer_id, pseudonym, reason)
            if await store.add(new):
                await self._announce(conn, new, tenant_id, customer_id)
            begun = await store.of_pseudonym(pseudonym)
            assert begun is not None, "added here, or by who came first"
            return begun

    async def get(self, scope: TenantScope, erasure_id: UUID) -> Erasure:
        """The receipt as far as it has come.

        Raises:
            ErasureNotFound: The tenant has no such erasure.
        """
        async with self._database.transaction(scope) as conn:
            erasure = await ErasureStore(conn, scope.tenant_id).get(erasure_id)
        if erasure is None:
            raise ErasureNotFound("no such erasure", erasure_id=erasure_id)
        return erasure

    async def _require(self, conn: Connection, scope: TenantScope, customer_id: UUID, reason: str) -> None:
        known = await KnownStore(conn, scope).get(customer_id)
        if known is None and (scope.venue_ids is not None or not await self._met_elsewhere(customer_id)):
            raise CustomerNotFound("no such customer")
        if names(reason, customer_id, known or Known()):
            raise InvalidField.of("reason", "must not name the customer: it stays in the receipt")

    def _new(self, caller: Caller, customer_id: UUID, pseudonym: UUID, reason: str) -> NewErasure:
        erasure_id = uuid4()
        return NewErasure(
            erasure_id=erasure_id,
            pseudonym=pseudonym,
            reason=reason,
            requested_by=actor_of(self._secrets.audit_key, caller.tenant_id, caller.subject),
            services=self._services,
            sealed_customer=self._secrets.seal.close(customer_id.bytes, bound_to=erasure_id.bytes),
        )

    async def _announce(self, conn: Connection, new: NewErasure, tenant_id: UUID, customer_id: UUID) -> None:
        await enqueue(
            conn,
            ERASE_JOB,
            run_key=str(new.erasure_id),
            grant=Grant(f"service:{SERVICE}", TenantScope(tenant_id)),
            due_at=datetime.now(UTC),
            arguments={"erasure_id": str(new.erasure_id)},
        )
        await outbox.append(
            conn,
            [
                customer_erased(tenant_id, customer_id, new.erasure_id, new.pseudonym),
                erasure_audited(tenant_id, new.requested_by, new.pseudonym),
            ],
        )
