"""Use case of every service with materialized views: bring them up to date, and remember of when they are."""

from datetime import datetime, timedelta
from typing import Final

from prometheus_client import Gauge

from libs.common.postgres.database import Database
from libs.common.postgres.maintenance import refresh

LONGEST: Final = timedelta(minutes=5)

_REFRESHED = Gauge(
    "materialized_view_refreshed_timestamp_seconds", "What committed before is in the view.", ("view",)
)

# Grain: one view. Index: materialized_refreshes_pkey. A refresh that began earlier never hides a later one.
_REMEMBER = """
insert into materialized_refreshes as known (view_name, refreshed_at)
values ($1, $2)
on conflict (view_name) do update
   set refreshed_at = greatest(known.refreshed_at, excluded.refreshed_at)
"""


class Refreshes:
    """Refreshes of views over all tenants, by the worker role.

    The service has a table `materialized_refreshes`.
    """

    def __init__(self, worker: Database) -> None:
        self._worker = worker

    async def refresh(self, view: str) -> datetime:
        """Refresh a view; returns the time whose committed facts it holds at least."""
        async with self._worker.infrastructure() as conn:
            began: datetime = await conn.fetchval("select now()")
        await refresh(self._worker, view, within=LONGEST)
        async with self._worker.infrastructure() as conn:
            await conn.execute(_REMEMBER, view, began)
        _REFRESHED.labels(view).set(began.timestamp())
        return began
