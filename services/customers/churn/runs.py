"""Use case: foretell churn of all customers of a tenant anew, whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

import structlog

from libs.common.cache.cache import Cache
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.churn.options import ChurnOptions
from services.customers.churn.store import RunStore
from services.customers.lifetime.feed import PurchaseFeed
from services.customers.models.entry import WHOLE_TENANT, ModelEntry
from services.customers.models.patience import take_time, wait_in_turn
from services.customers.models.process import FittingProcess, Progress, fitting_process
from services.customers.models.registry import newest_in, register
from services.customers.namespaces import venue_namespaces
from services.customers.rfm.following import FollowsScores
from services.customers.rfm.ledger import lock_scores
from services.customers.wholeness import require_whole

_MODULE: Final = "services.customers.churn.worker"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PlaceRun:
    """What a run found of a venue, or of the tenant; `model` None: nothing serves, for the reason given."""

    venue_id: UUID
    customer_count: int
    model: str | None
    refusal: str | None
    refusal_message: str | None


@dataclass(frozen=True, slots=True)
class RunReport:
    """Findings for the tenant, then for each venue, and every candidate; empty without purchases."""

    computed_at: datetime
    places: tuple[PlaceRun, ...]
    entries: tuple[ModelEntry, ...]
    row_count: int


class ChurnRuns:
    """Runs over whole tenants, calculated in a process of their own.

    Args:
        database: The service's database.
        cache: Answers that a run makes old.
        follows: What is made from scores and churn together.
        options: Settings.
    """

    def __init__(
        self, database: Database, cache: Cache, follows: FollowsScores, options: ChurnOptions
    ) -> None:
        self._database = database
        self._cache = cache
        self._follows = follows
        self._options = options

    async def run(
        self,
        scope: TenantScope,
        *,
        as_of: datetime | None = None,
        progress: Progress = lambda _stage, _share: None,
    ) -> RunReport:
        """Replace what is foretold of a tenant; readers see the run before until this one has committed.

        The models of purchases are those of the newest run of lifetime value.

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
            await self._write(process, scope, entries, computed_at)
        venue_ids = {place.venue_id for place in places} - {WHOLE_TENANT}
        await self._follow(scope, sorted(venue_ids))
        await self._cache.invalidate(venue_namespaces(venue_ids))
        report = RunReport(computed_at, places, entries, sum(one["row_count"] for one in result))
        _log.info("churn was foretold", places=len(places), rows=report.row_count)
        return report

    async def _send(self, process: FittingProcess, scope: TenantScope, as_of: datetime) -> None:
        async with self._database.transaction(scope) as conn:
            await require_whole(conn, scope.tenant_id)
            feed = PurchaseFeed(conn, scope.tenant_id)
            venues = await feed.venues()
            places = [WHOLE_TENANT, *(venue_id for venue_id, _ in venues)]
            models = [
                one.entry
                for one in await newest_in(conn, scope.tenant_id, places, ("purchases",))
                if one.entry.is_serving
            ]
            question = {
                "horizon_days": self._options.horizon_days,
                "models": {
                    str(entry.venue_id): {
                        "name": entry.name,
                        "parameters": entry.parameters,
                        "fitted_on": entry.fitted_on,
                    }
                    for entry in models
                },
            }
            await feed.send(process, venues, as_of, question)

    async def _write(
        self,
        process: FittingProcess,
        scope: TenantScope,
        entries: Sequence[ModelEntry],
        computed_at: datetime,
    ) -> None:
        async with self._database.transaction(scope) as conn:
            await take_time(conn)
            store = RunStore(conn, scope.tenant_id)
            await store.lock()
            await store.replace(process.blocks(), computed_at, horizon_days=self._options.horizon_days)
            await register(conn, scope.tenant_id, entries, computed_at)
        async with self._database.transaction(scope) as conn:
            await take_time(conn)
            # Emptied read models know nobody, who would all be taken for erased.
            await require_whole(conn, scope.tenant_id)
            await RunStore(conn, scope.tenant_id).drop_erased()

    async def _follow(self, scope: TenantScope, venue_ids: Sequence[UUID]) -> None:
        """Bring what depends on churn after it, such as members of segments with a condition on it."""
        async with self._database.transaction(scope) as conn:
            await take_time(conn)
            await wait_in_turn(conn)
            await lock_scores(conn, scope.tenant_id)
            for venue_id in venue_ids:
                await self._follows.everyone(conn, scope.tenant_id, venue_id)


def _place(sent: dict[str, Any]) -> PlaceRun:
    return PlaceRun(
        venue_id=UUID(sent["venue_id"]),
        customer_count=sent["customer_count"],
        model=sent["model"],
        refusal=sent["refusal"],
        refusal_message=sent["refusal_message"],
    )


def _entry(sent: dict[str, Any]) -> ModelEntry:
    own = {
        "venue_id": UUID(sent["venue_id"]),
        "first_day": date.fromisoformat(sent["first_day"]),
        "last_day": date.fromisoformat(sent["last_day"]),
    }
    return ModelEntry(**(sent | own))
