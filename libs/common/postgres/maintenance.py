"""Upkeep by the worker role through the owner's functions: partitions and refreshes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.common.postgres.database import Database


@dataclass(frozen=True, slots=True)
class PartitionPlan:
    """How far a partitioned table reaches: from `keep` before now (None: for ever) to `ahead` after now."""

    table: str
    ahead: timedelta
    keep: timedelta | None


async def maintain_partitions(
    worker: Database, plans: Sequence[PartitionPlan], *, now: datetime
) -> list[str]:
    """Names of the dropped partitions; also makes the partitions that the plans need from now on.

    Each table has its own short transactions: making takes no lock that stops readers or writers, dropping
    waits for a lock only as long as the connection's lock timeout and is repeated by the next run.
    """
    dropped: list[str] = []
    for plan in plans:
        async with worker.infrastructure() as connection:
            await connection.execute(
                "select platform.ensure_partitions($1, $2, $3)", plan.table, now, now + plan.ahead
            )
        if plan.keep is not None:
            async with worker.infrastructure() as connection:
                rows = await connection.fetch(
                    "select platform.drop_partitions($1, $2) as name", plan.table, now - plan.keep
                )
            dropped += [row["name"] for row in rows]
    return dropped


async def refresh(worker: Database, view: str, *, within: timedelta = timedelta(minutes=5)) -> None:
    """Bring `materialized.<view>` up to date without stopping its readers.

    Args:
        worker: Database of the worker role.
        view: Name of the materialized view.
        within: Longest time it may take, in the place of the connection's statement timeout.
    """
    async with worker.infrastructure() as connection:
        timeout = f"{within.total_seconds() * 1000:.0f}"
        await connection.execute("select set_config('statement_timeout', $1, true)", timeout)
        statement = await connection.fetchval(
            "select format('refresh materialized view concurrently materialized.%I', $1::text)", view
        )
        await connection.execute(statement)
