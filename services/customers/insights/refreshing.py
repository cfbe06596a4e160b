"""Use case: find anew what is worth knowing of a venue, and keep it beside what people decided before."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self
from uuid import UUID

from libs.common.cache.cache import Cache
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.cohorts.reader import CohortReader
from services.customers.insights.gathering import Gathered, Gathering
from services.customers.insights.generators.registry import Refreshed, find
from services.customers.insights.insight import Found, insight_id_of, state_after
from services.customers.insights.stats_store import LastRefresh, put_refresh, venue_ids_of
from services.customers.insights.store import InsightStore
from services.customers.insights.vocabulary import State
from services.customers.namespaces import venue_namespaces

_KEPT: Final = timedelta(days=400)
_NEW: Final = (State.OPEN, None)


@dataclass(frozen=True, slots=True)
class Refresh:
    """What a refresh did to a venue's findings."""

    created_count: int
    updated_count: int
    expired_count: int
    test_count: int
    refreshed_at: datetime
    newest_fact_at: datetime | None


@dataclass(frozen=True, slots=True)
class NightlyRefresh:
    """What a refresh of all venues did, and why it failed for some, by venue."""

    done: Sequence[Refresh]
    failed: Mapping[UUID, Exception]


class Refreshing:
    """Refreshes of venues' findings.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        gathering: Facts for generators.
        cache: Answers made before, ended by a refresh.
        now: The present instant.
    """

    def __init__(
        self,
        database: Database,
        venues: Venues,
        gathering: Gathering,
        cache: Cache,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._venues = venues
        self._gathering = gathering
        self._cache = cache
        self._now = now

    @classmethod
    def of(cls, database: Database, venues: Venues, cache: Cache) -> Self:
        """Refreshes that look at everything the service keeps."""
        return cls(database, venues, Gathering(database, CohortReader(database)), cache)

    async def refresh(self, scope: TenantScope, venue_id: UUID) -> Refresh:
        """Refresh one venue's findings; repeatable.

        Raises:
            VenueNotFound: The scope has no such venue.
            RebuildInProgress: The tenant's facts are being made anew.
        """
        venue = (await self._venues.require(scope, [venue_id]))[venue_id]
        now = self._now()
        gathered = await self._gathering.gather(scope, venue, now)
        refreshed = await asyncio.to_thread(find, gathered.facts, gathered.silence)
        done = await self._keep(scope, venue_id, gathered, refreshed, now)
        await self._cache.invalidate(venue_namespaces([venue_id]))
        return done

    async def refresh_all(self, scope: TenantScope) -> NightlyRefresh:
        """Refresh the findings of every venue of a scope, one after the other, whatever happens to others."""
        async with self._database.transaction(scope) as conn:
            venue_ids = await venue_ids_of(conn, scope.tenant_id)
        done: list[Refresh] = []
        failed: dict[UUID, Exception] = {}
        for venue_id in venue_ids:
            try:
                done.append(await self.refresh(scope, venue_id))
            except Exception as error:  # noqa: BLE001  one venue's failure, told to whoever asked for all
                failed[venue_id] = error
        return NightlyRefresh(done, failed)

    async def _keep(
        self, scope: TenantScope, venue_id: UUID, gathered: Gathered, refreshed: Refreshed, now: datetime
    ) -> Refresh:
        newest = gathered.newest_fact_at
        living = [found for found in refreshed.findings if found.candidate.expires_at > now]
        findings = {insight_id_of(scope.tenant_id, venue_id, found): found for found in living}
        async with self._database.transaction(scope) as conn:
            last = LastRefresh(now, refreshed.test_count, newest)
            await put_refresh(conn, scope.tenant_id, venue_id, last)
            store = InsightStore(conn, scope.tenant_id)
            known = await store.known(venue_id, findings)
            kept = [
                Found(insight_id, state_after(*known.get(insight_id, _NEW), finding), finding, newest)
                for insight_id, finding in sorted(findings.items())
            ]
            await store.put(venue_id, kept, now)
            over = [key for key, (state, _) in known.items() if state is State.OPEN and key not in findings]
            await store.expire(over)
            await store.forget(venue_id, now - _KEPT)
        created = sum(
            1 for each in kept if each.insight_id not in known or known[each.insight_id][0] is not each.state
        )
        return Refresh(created, len(kept) - created, len(over), refreshed.test_count, now, newest)
