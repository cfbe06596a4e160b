"""Use case: make anew what models say of a tenant, whole or not at all; each kind of run adds its part."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Generic
from uuid import UUID

import structlog

from libs.common.cache.cache import Cache
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.customers.models.entry import ModelEntry
from services.customers.models.feed import PurchaseFeed
from services.customers.models.outcome import PlaceT, RunReport, RunStore
from services.customers.models.patience import take_time
from services.customers.models.process import FittingProcess, Progress, fitting_process
from services.customers.models.registry import register
from services.customers.namespaces import venue_namespaces
from services.customers.wholeness import require_whole

_log = structlog.get_logger(__name__)


class ModelRuns(ABC, Generic[PlaceT]):
    """Runs of one kind over whole tenants, calculated in a process of their own.

    Args:
        database: The service's database.
        cache: Answers that a run makes old.
    """

    module: ClassVar[str]
    """Runs in the process."""
    outcome: ClassVar[str]
    """What the log says of a run."""

    def __init__(self, database: Database, cache: Cache) -> None:
        self._database = database
        self._cache = cache

    async def run(
        self,
        scope: TenantScope,
        *,
        as_of: datetime | None = None,
        progress: Progress = lambda _stage, _share: None,
    ) -> RunReport[PlaceT]:
        """Replace what is said of a tenant; readers see the run before until this one has committed.

        Args:
            scope: The tenant, without a venue grant.
            as_of: Days that were over at this moment are observed; None: now.
            progress: Told what is done, and how much of the run is over, 0 to 1.

        Raises:
            FittingFailed: The process that calculates died.
            RebuildInProgress: The purchases are being made anew.
            TransactionConflict: Another run of the tenant is being written.
        """
        computed_at = datetime.now(UTC)
        async with fitting_process(self.module) as process:
            await self._send(process, scope, as_of or computed_at)
            places = await process.places(progress)
            report = RunReport(
                computed_at,
                tuple(self._place(place) for place in places),
                tuple(_entry(entry) for place in places for entry in place["entries"]),
                sum(place["row_count"] for place in places),
            )
            progress("writing", 0.92)
            await self._write(process, scope, report)
        await self._follow(scope, report.venue_ids)
        await self._cache.invalidate(venue_namespaces(report.venue_ids))
        _log.info(self.outcome, places=len(places), rows=report.row_count)
        return report

    @abstractmethod
    async def _question(
        self, conn: Connection, tenant_id: UUID, venue_ids: Sequence[UUID]
    ) -> Mapping[str, Any]:
        """What the process has to know beside venues and purchases."""

    @abstractmethod
    def _place(self, sent: Mapping[str, Any]) -> PlaceT:
        """What it found of a place, as it sent it."""

    @abstractmethod
    def _store(self, conn: Connection, tenant_id: UUID) -> RunStore[PlaceT]:
        """Where rows and findings belong."""

    async def _follow(self, scope: TenantScope, venue_ids: Sequence[UUID]) -> None:
        """Bring what depends on a run after it; nothing does, unless its kind says so."""

    async def _send(self, process: FittingProcess, scope: TenantScope, as_of: datetime) -> None:
        async with self._database.transaction(scope) as conn:
            await require_whole(conn, scope.tenant_id)
            feed = PurchaseFeed(conn, scope.tenant_id)
            venues = await feed.venues()
            question = await self._question(conn, scope.tenant_id, [venue_id for venue_id, _ in venues])
            await feed.send(process, venues, as_of, question)

    async def _write(self, process: FittingProcess, scope: TenantScope, report: RunReport[PlaceT]) -> None:
        async with self._database.transaction(scope) as conn:
            await take_time(conn)
            store = self._store(conn, scope.tenant_id)
            await store.lock()
            await store.replace(process.blocks(), report)
            await register(conn, scope.tenant_id, report.entries, report.computed_at)
        async with self._database.transaction(scope) as conn:
            await take_time(conn)
            # Emptied read models know nobody, who would all be taken for erased.
            await require_whole(conn, scope.tenant_id)
            await self._store(conn, scope.tenant_id).drop_erased()


def _entry(sent: Mapping[str, Any]) -> ModelEntry:
    own = {
        "venue_id": UUID(sent["venue_id"]),
        "first_day": date.fromisoformat(sent["first_day"]),
        "last_day": date.fromisoformat(sent["last_day"]),
    }
    return ModelEntry(**{**sent, **own})
