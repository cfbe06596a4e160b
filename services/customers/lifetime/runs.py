"""Use case: fit a tenant's models anew and value all of its customers, whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from libs.common.cache.cache import Cache
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.lifetime.feed import PurchaseFeed
from services.customers.lifetime.store import PlaceRun, RunStore
from services.customers.models.entry import WHOLE_TENANT, ModelEntry
from services.customers.models.patience import take_time
from services.customers.models.process import FittingProcess, Progress, fitting_process
from services.customers.models.registry import register
from services.customers.namespaces import venue_namespaces
from services.customers.settings import CustomersSettings
from services.customers.wholeness import require_whole

_MODULE: Final = "services.customers.lifetime.worker"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Settings of a run.

    Attributes:
        horizon_days: How far stored values look ahead.
        least_repeaters: Customers who bought again, without whom a venue is served by the tenant's fit.
    """

    horizon_days: int = 365
    least_repeaters: int = 500

    @classmethod
    def of(cls, settings: CustomersSettings) -> "RunOptions":
        """As the service is set."""
        return cls(settings.lifetime_horizon_days, settings.lifetime_least_repeaters)


@dataclass(frozen=True, slots=True)
class RunReport:
    """Findings for the tenant, then for each venue, and every candidate; empty without purchases."""

    computed_at: datetime
    places: tuple[PlaceRun, ...]
    entries: tuple[ModelEntry, ...]
    row_count: int


class LifetimeRuns:
    """Runs over whole tenants, calculated in a process of their own.

    Args:
        database: The service's database.
        cache: Answers that a run makes old.
        options: Settings.
    """

    def __init__(self, database: Database, cache: Cache, options: RunOptions) -> None:
        self._database = database
        self._cache = cache
        self._options = options

    async def run(
        self,
        scope: TenantScope,
        *,
        as_of: datetime | None = None,
        progress: Progress = lambda _stage, _share: None,
    ) -> RunReport:
        """Replace models and values of a tenant; readers see the run before until this one has committed.

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
        async with fitting_process(_MODULE) as process:
            await self._send(process, scope, as_of or computed_at)
            result = await process.places(progress)
            places = tuple(_place(one) for one in result)
            entries = tuple(_entry(entry) for one in result for entry in one["entries"])
            progress("writing", 0.92)
            await self._write(process, scope, places, entries, computed_at)
        await self._cache.invalidate(venue_namespaces({place.venue_id for place in places} - {WHOLE_TENANT}))
        report = RunReport(computed_at, places, entries, sum(one["row_count"] for one in result))
        _log.info("lifetime values were computed", places=len(places), rows=report.row_count)
        return report

    async def _send(self, process: FittingProcess, scope: TenantScope, as_of: datetime) -> None:
        async with self._database.transaction(scope) as conn:
            await require_whole(conn, scope.tenant_id)
            feed = PurchaseFeed(conn, scope.tenant_id)
            question = {
                "horizon_days": self._options.horizon_days,
                "least_repeaters": self._options.least_repeaters,
            }
            await feed.send(process, await feed.venues(), as_of, question)

    async def _write(
        self,
        process: FittingProcess,
        scope: TenantScope,
        places: Sequence[PlaceRun],
        entries: Sequence[ModelEntry],
        computed_at: datetime,
    ) -> None:
        async with self._database.transaction(scope) as conn:
            await take_time(conn)
            store = RunStore(conn, scope.tenant_id)
            await store.lock()
            await store.replace_values(process.blocks(), computed_at)
            await store.put_runs(
                places,
                computed_at,
                horizon_days=self._options.horizon_days,
                least_repeaters=self._options.least_repeaters,
            )
            await register(conn, scope.tenant_id, entries, computed_at)
        async with self._database.transaction(scope) as conn:
            await take_time(conn)
            # Emptied read models know nobody, who would all be taken for erased.
            await require_whole(conn, scope.tenant_id)
            await RunStore(conn, scope.tenant_id).drop_erased()


def _place(sent: dict[str, Any]) -> PlaceRun:
    return PlaceRun(
        venue_id=UUID(sent["venue_id"]),
        first_day=date.fromisoformat(sent["first_day"]),
        last_day=date.fromisoformat(sent["last_day"]),
        purchase_count=sent["purchase_count"],
        customer_count=sent["customer_count"],
        repeater_count=sent["repeater_count"],
        refusal=sent["refusal"],
        refusal_message=sent["refusal_message"],
        figures=sent["figures"],
        newest_fact_at=_EPOCH + timedelta(microseconds=sent["newest_us"]),
    )


def _entry(sent: dict[str, Any]) -> ModelEntry:
    own = {
        "venue_id": UUID(sent["venue_id"]),
        "first_day": date.fromisoformat(sent["first_day"]),
        "last_day": date.fromisoformat(sent["last_day"]),
    }
    return ModelEntry(**(sent | own))
