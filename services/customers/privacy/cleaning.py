"""Takes an erased person out of this service's stores."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.jobs.queue import Grant, enqueue
from libs.common.postgres.database import Connection, Database
from libs.common.sealing import Seal
from services.customers.privacy.announcing import SERVICE
from services.customers.privacy.cleaning_store import clean_tables
from services.customers.privacy.store import ErasureStore
from services.customers.rfm.ledger import lock_scores

SECOND_JOB: Final = "privacy.erase-again"
SECOND_LOOK: Final = timedelta(minutes=30)
"""Longer than any run of scores or models: one that has read the person may write them down later."""

CleanDocuments = Callable[[UUID, UUID], Awaitable[Mapping[str, int]]]
"""Puts a pseudonym in a person's place in the current caller's documents; returns how many, by collection."""
ForgetAnswers = Callable[[], Awaitable[int]]
"""Makes the current caller's cached answers unreachable and deletes them; returns how many there were."""
RefreshViews = Callable[[], Awaitable[None]]
"""Brings the materialized views up to the tables."""


class Cleaning:
    """The work behind an erasure; each step may be repeated after a crash.

    Args:
        database: The app role's database.
        seal: Opens the ids of erasures in work.
        views: Brings what PostgreSQL has copied up to date.
        documents: Cleans MongoDB.
        answers: Cleans Redis.
    """

    def __init__(
        self,
        database: Database,
        seal: Seal,
        *,
        views: RefreshViews,
        documents: CleanDocuments,
        answers: ForgetAnswers,
    ) -> None:
        self._database = database
        self._seal = seal
        self._views = views
        self._documents = documents
        self._answers = answers

    async def first(self, scope: TenantScope, erasure_id: UUID) -> None:
        """Clean every store, confirm, and ask for the second look.

        Raises:
            DependencyUnavailable: A store is not reachable; repeat it.
            TransactionConflict: The tenant's people are being scored; repeat it.
        """
        await self._clean(scope, erasure_id)
        async with self._database.transaction(scope) as conn:
            await ErasureStore(conn, scope.tenant_id).confirm(erasure_id, SERVICE, {})
            await self._come_back(conn, scope, erasure_id)

    async def second(self, scope: TenantScope, erasure_id: UUID) -> None:
        """Clean what runs that were in progress wrote meanwhile, and forget whom it was about.

        Raises:
            DependencyUnavailable: A store is not reachable; repeat it.
        """
        await self._clean(scope, erasure_id)
        async with self._database.transaction(scope) as conn:
            await ErasureStore(conn, scope.tenant_id).forget(erasure_id)

    async def _clean(self, scope: TenantScope, erasure_id: UUID) -> None:
        tenant_id = scope.tenant_id
        async with self._database.transaction(scope) as conn:
            store = ErasureStore(conn, tenant_id)
            pseudonym, sealed = await store.sealed(erasure_id)
            if sealed is None:
                return
            customer_id = UUID(bytes=self._seal.open(sealed, bound_to=erasure_id.bytes))
            # Whoever scores has either committed what it read of the person, or will read the pseudonym.
            await lock_scores(conn, tenant_id)
            rows = await clean_tables(conn, tenant_id, customer_id, pseudonym)
            await store.touched(erasure_id, SERVICE, rows)
        await self._views()
        touched = dict(await self._documents(customer_id, pseudonym))
        touched["cached_answers"] = await self._answers()
        async with self._database.transaction(scope) as conn:
            await ErasureStore(conn, tenant_id).touched(erasure_id, SERVICE, touched)

    async def _come_back(self, conn: Connection, scope: TenantScope, erasure_id: UUID) -> None:
        await enqueue(
            conn,
            SECOND_JOB,
            run_key=str(erasure_id),
            grant=Grant(f"service:{SERVICE}", scope),
            due_at=datetime.now(UTC) + SECOND_LOOK,
            arguments={"erasure_id": str(erasure_id)},
        )
