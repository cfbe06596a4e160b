"""Which venues a caller has: looked up for reads, registered by the first fact that names them."""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final
from uuid import UUID

from libs.common.catalog.venue_store import Venue, insert_unknown, select_visible
from libs.common.context import TenantScope
from libs.common.errors import VenueNotFound
from libs.common.postgres.database import Connection, Database

_MAX_AGE_SECONDS: Final = 5.0
_MAX_ENTRIES: Final = 100_000


class Venues:
    """The venues of every tenant, remembered in the process for a few seconds.

    Ownership never changes, but time zone and currency do: `forget` drops what a committed venue.updated
    changed here, and the short age brings it to other replicas.

    Args:
        database: The service's database.
        max_age_seconds: How long a remembered venue is believed.
        max_entries: Most venues remembered; the ones unused longest go first.
        clock: Seconds on a monotonic clock.
    """

    def __init__(
        self,
        database: Database,
        *,
        max_age_seconds: float = _MAX_AGE_SECONDS,
        max_entries: int = _MAX_ENTRIES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._max_age = max_age_seconds
        self._max_entries = max_entries
        self._clock = clock
        self._remembered: OrderedDict[tuple[UUID, UUID], tuple[float, Venue]] = OrderedDict()

    async def known(self, scope: TenantScope, venue_ids: Collection[UUID]) -> dict[UUID, Venue]:
        """Those of the given venues that exist for this scope; the others are left out."""
        found, missing = self._recall(scope, venue_ids)
        if missing:
            async with self._database.transaction(scope) as conn:
                read = await select_visible(conn, missing)
            self._remember(scope.tenant_id, read)
            found.update((venue.venue_id, venue) for venue in read)
        return found

    async def require(self, scope: TenantScope, venue_ids: Collection[UUID]) -> Mapping[UUID, Venue]:
        """All of the given venues.

        Raises:
            VenueNotFound: One is unknown, another tenant's, or outside the venue grant.
        """
        found = await self.known(scope, venue_ids)
        for venue_id in venue_ids:
            if venue_id not in found:
                raise VenueNotFound("no such venue", venue_id=venue_id)
        return found

    async def register(
        self, conn: Connection, scope: TenantScope, venue_ids: Collection[UUID]
    ) -> frozenset[UUID]:
        """The given venues that belong to this scope, made first where no tenant holds the id.

        What is not in the answer is another tenant's or outside the venue grant. Call it once a transaction,
        with all ids: venues made by an open transaction are remembered by a later call only.

        Args:
            conn: The open transaction of this scope; new venues commit with it.
            scope: Tenant and venue grant.
            venue_ids: Ids that facts name.
        """
        known, missing = self._recall(scope, venue_ids)
        owned = set(known)
        if missing:
            existing = await select_visible(conn, missing)
            self._remember(scope.tenant_id, existing)
            owned.update(venue.venue_id for venue in existing)
            unknown = missing.difference(owned)
            if unknown:
                await insert_unknown(conn, scope.tenant_id, unknown)
                owned.update(venue.venue_id for venue in await select_visible(conn, unknown))
        return frozenset(owned)

    def forget(self, tenant_id: UUID, venue_ids: Iterable[UUID]) -> None:
        """Read these venues anew next time: call it after a change of them has committed."""
        for venue_id in venue_ids:
            self._remembered.pop((tenant_id, venue_id), None)

    def _recall(self, scope: TenantScope, venue_ids: Collection[UUID]) -> tuple[dict[UUID, Venue], set[UUID]]:
        """Remembered venues, and the granted ids that have to be read."""
        oldest = self._clock() - self._max_age
        found: dict[UUID, Venue] = {}
        missing: set[UUID] = set()
        for venue_id in venue_ids:
            if not scope.allows(venue_id):
                continue
            key = (scope.tenant_id, venue_id)
            entry = self._remembered.get(key)
            if entry is None or entry[0] < oldest:
                missing.add(venue_id)
            else:
                self._remembered.move_to_end(key)
                found[venue_id] = entry[1]
        return found, missing

    def _remember(self, tenant_id: UUID, venues: Iterable[Venue]) -> None:
        now = self._clock()
        for venue in venues:
            key = (tenant_id, venue.venue_id)
            self._remembered[key] = (now, venue)
            self._remembered.move_to_end(key)
        while len(self._remembered) > self._max_entries:
            self._remembered.popitem(last=False)
