"""Use case: foretell churn of all customers of a tenant anew, whole or not at all."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from libs.common.cache.cache import Cache
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.customers.churn.options import ChurnOptions
from services.customers.churn.store import PlaceRun, RunStore
from services.customers.models.entry import WHOLE_TENANT
from services.customers.models.outcome import RunReport
from services.customers.models.patience import take_time, wait_in_turn
from services.customers.models.registry import newest_in
from services.customers.models.runs import ModelRuns
from services.customers.rfm.following import FollowsScores
from services.customers.rfm.ledger import lock_scores

ChurnReport = RunReport[PlaceRun]


class ChurnRuns(ModelRuns[PlaceRun]):
    """Runs over whole tenants, with the models of purchases of the newest run of lifetime values.

    Args:
        database: The service's database.
        cache: Answers that a run makes old.
        follows: What is made from scores and churn together.
        options: Settings.
    """

    module = "services.customers.churn.worker"
    outcome = "churn was foretold"

    def __init__(
        self, database: Database, cache: Cache, follows: FollowsScores, options: ChurnOptions
    ) -> None:
        super().__init__(database, cache)
        self._follows = follows
        self._options = options

    async def _question(
        self, conn: Connection, tenant_id: UUID, venue_ids: Sequence[UUID]
    ) -> Mapping[str, Any]:
        models = await newest_in(conn, tenant_id, [WHOLE_TENANT, *venue_ids], ("purchases",))
        return {
            "horizon_days": self._options.horizon_days,
            "models": {
                str(one.entry.venue_id): {
                    "name": one.entry.name,
                    "parameters": one.entry.parameters,
                    "fitted_on": one.entry.fitted_on,
                }
                for one in models
                if one.entry.is_serving
            },
        }

    def _place(self, sent: Mapping[str, Any]) -> PlaceRun:
        return PlaceRun(UUID(sent["venue_id"]), sent["model"], sent["refusal"], sent["refusal_message"])

    def _store(self, conn: Connection, tenant_id: UUID) -> RunStore:
        return RunStore(conn, tenant_id, horizon_days=self._options.horizon_days)

    async def _follow(self, scope: TenantScope, venue_ids: Sequence[UUID]) -> None:
        """Members of segments, among others, may be bound to churn."""
        async with self._database.transaction(scope) as conn:
            await take_time(conn)
            await wait_in_turn(conn)
            await lock_scores(conn, scope.tenant_id)
            for venue_id in venue_ids:
                await self._follows.everyone(conn, scope.tenant_id, venue_id)
