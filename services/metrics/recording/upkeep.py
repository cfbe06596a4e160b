"""Scheduled work on recorded metrics: partitions ahead and behind, and forgetting old metric ids."""

from datetime import UTC, datetime, timedelta
from typing import Final

from libs.common.bus.inbox import INBOX_PARTITIONS
from libs.common.postgres.database import Database
from libs.common.postgres.maintenance import PartitionPlan, maintain_partitions

_AHEAD_MONTHS: Final = timedelta(days=62)
_AHEAD_DAYS: Final = timedelta(days=3)
_LIVE_KEPT: Final = timedelta(days=1)
_IDS_KEPT: Final = timedelta(days=7)
_IDS_A_ROUND: Final = 10_000

# Grain: one metric id of any tenant, for the worker role. Index: metric_ids_seen_at_idx. Rounds of bounded
# size, so that no transaction is long and no call that claims an id waits.
_FORGET_IDS = """
delete from metric_ids
 where ctid = any(array(select ctid from metric_ids where seen_at < now() - $1::interval limit $2))
"""


class Upkeep:
    """Keeps the tables of recording in shape.

    Args:
        worker_database: Database of the worker role.
        retention_days: Age at which raw rows, and scans, are dropped.
        rollup_retention_days: Age at which rollups are dropped.
        visit_retention_days: Age at which visits are dropped.
    """

    def __init__(
        self,
        worker_database: Database,
        *,
        retention_days: int,
        rollup_retention_days: int,
        visit_retention_days: int,
    ) -> None:
        self._database = worker_database
        self._plans = (
            PartitionPlan("analytics_metrics", _AHEAD_MONTHS, timedelta(days=retention_days)),
            PartitionPlan("analytics_aggregations", _AHEAD_MONTHS, timedelta(days=rollup_retention_days)),
            PartitionPlan("realtime_metrics", _AHEAD_DAYS, _LIVE_KEPT),
            PartitionPlan("scans", _AHEAD_MONTHS, timedelta(days=retention_days)),
            PartitionPlan("gate_minutes", _AHEAD_MONTHS, timedelta(days=retention_days)),
            PartitionPlan("session_activity", _AHEAD_MONTHS, timedelta(days=visit_retention_days)),
            PartitionPlan("session_days", _AHEAD_MONTHS, timedelta(days=visit_retention_days)),
            PartitionPlan("idempotency_keys", _AHEAD_DAYS, timedelta(days=2)),
            INBOX_PARTITIONS,
        )

    async def keep_partitions(self) -> list[str]:
        """Make the partitions needed soon and drop those past retention; returns what was dropped."""
        return await maintain_partitions(self._database, self._plans, now=datetime.now(UTC))

    async def forget_metric_ids(self) -> int:
        """Delete ids that are no longer needed to refuse duplicates; returns how many."""
        total = 0
        while True:
            async with self._database.infrastructure() as conn:
                tag = await conn.execute(_FORGET_IDS, _IDS_KEPT, _IDS_A_ROUND)
            deleted = int(tag.rpartition(" ")[2])
            total += deleted
            if deleted < _IDS_A_ROUND:
                return total
