"""Finds the id of every series that rows name; makes new ones within the tenant's budget."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.errors import AnalyticsError, VenueNotFound
from libs.common.postgres.database import Connection, Database
from services.metrics.errors import SeriesBudgetExceeded
from services.metrics.recording import series_store
from services.metrics.recording.rows import KnownSeries, SeriesName
from services.metrics.recording.series_names import Series, checked

_MAX_REMEMBERED: Final = 500_000
_BLAME_SECONDS: Final = 60.0


@dataclass(slots=True)
class Resolution:
    """The series behind the names of a request, and why the other names have none."""

    found: dict[SeriesName, KnownSeries] = field(default_factory=dict)
    refused: dict[SeriesName, AnalyticsError] = field(default_factory=dict)


class SeriesDirectory:
    """Series of every tenant by name, remembered in the process once they are committed.

    Series are made in a transaction of their own: a group of rows then never waits for, or fails by, another
    caller's new series. A series without rows is harmless.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        budget: Distinct metric type + dimensions a tenant may have.
    """

    def __init__(self, database: Database, venues: Venues, *, budget: int) -> None:
        self._database = database
        self._venues = venues
        self._budget = budget
        self._remembered: dict[UUID, dict[SeriesName, KnownSeries]] = {}
        self._remembered_count = 0
        self._blamed: dict[UUID, tuple[float, series_store.BiggestDimension | None]] = {}

    async def resolve(self, scope: TenantScope, names: Collection[SeriesName]) -> Resolution:
        """The series of these names as this scope may write them."""
        remembered = self._remembered.get(scope.tenant_id, {})
        resolution = Resolution()
        unknown: list[SeriesName] = []
        for name in names:
            known = remembered.get(name)
            if known is None:
                unknown.append(name)
            elif scope.allows(known.venue_id):
                resolution.found[name] = known
            else:
                resolution.refused[name] = VenueNotFound("no such venue", venue_id=known.venue_id)
        if unknown:
            await self._look_up(scope, unknown, resolution)
        return resolution

    async def _look_up(
        self, scope: TenantScope, names: Collection[SeriesName], resolution: Resolution
    ) -> None:
        """Read, or make, the series of names that are not remembered."""
        wanted: dict[SeriesName, Series] = {}
        for name in names:
            try:
                wanted[name] = checked(name)
            except AnalyticsError as error:
                resolution.refused[name] = error
        if not wanted:
            return
        async with self._database.transaction(scope) as conn:
            owned = await self._venues.register(conn, scope, {one.venue_id for one in wanted.values()})
            ours = {name: one for name, one in wanted.items() if one.venue_id in owned}
            ids = await self._ids(conn, scope.tenant_id, {one.fingerprint: one for one in ours.values()})
            blame = (
                await self._blame(conn, scope.tenant_id)
                if any(one.fingerprint not in ids for one in ours.values())
                else None
            )
        for name, one in wanted.items():
            if one.venue_id not in owned:
                resolution.refused[name] = VenueNotFound("no such venue", venue_id=one.venue_id)
            elif one.fingerprint not in ids:
                resolution.refused[name] = self._over_budget(blame)
            else:
                resolution.found[name] = KnownSeries(ids[one.fingerprint], one.venue_id, one.metric_type)
        self._remember(
            scope.tenant_id, {name: resolution.found[name] for name in ours if name in resolution.found}
        )

    async def _ids(
        self, conn: Connection, tenant_id: UUID, series: Mapping[bytes, Series]
    ) -> dict[bytes, int]:
        """Ids by fingerprint; what the budget does not allow is left out."""
        if not series:
            return {}
        ids = await series_store.select_ids(conn, tenant_id, series.values())
        missing = [one for fingerprint, one in series.items() if fingerprint not in ids]
        if not missing:
            return ids
        left = self._budget - await series_store.lock_budget(conn, tenant_id)
        allowed = await series_store.select_shapes(conn, tenant_id, {one.shape for one in missing})
        new: dict[bytes, Series] = {}
        for one in missing:
            if one.shape not in allowed and len(new) < left:
                new.setdefault(one.shape, one)
        if new:
            await series_store.insert_shapes(conn, tenant_id, new)
        makeable = [one for one in missing if one.shape in allowed or one.shape in new]
        if makeable:
            await series_store.insert_series(conn, tenant_id, makeable)
            ids |= await series_store.select_ids(conn, tenant_id, makeable)
        return ids

    async def _blame(self, conn: Connection, tenant_id: UUID) -> series_store.BiggestDimension | None:
        """The tenant's biggest dimension, counted at most once a minute."""
        at, biggest = self._blamed.get(tenant_id, (-_BLAME_SECONDS, None))
        if time.monotonic() - at >= _BLAME_SECONDS:
            biggest = await series_store.biggest_dimension(conn, tenant_id)
            self._blamed[tenant_id] = (time.monotonic(), biggest)
        return biggest

    def _over_budget(self, biggest: series_store.BiggestDimension | None) -> SeriesBudgetExceeded:
        if biggest is None:
            return SeriesBudgetExceeded(
                f"the budget of {self._budget} series is used up, by metric types alone",
                budget=self._budget,
            )
        return SeriesBudgetExceeded(
            f"the budget of {self._budget} series is used up; the biggest dimension is {biggest.key!r}"
            f" with {biggest.value_count} values",
            budget=self._budget,
            dimension=biggest.key,
            value_count=biggest.value_count,
        )

    def _remember(self, tenant_id: UUID, series: Mapping[SeriesName, KnownSeries]) -> None:
        if self._remembered_count + len(series) > _MAX_REMEMBERED:
            self._remembered.clear()
            self._remembered_count = 0
        self._remembered.setdefault(tenant_id, {}).update(series)
        self._remembered_count += len(series)
