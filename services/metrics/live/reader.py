"""Reads live metrics as they stand now."""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.metrics.live import store
from services.metrics.live.windows import LiveState


class LiveReader:
    """The use case behind both unary live methods."""

    def __init__(self, database: Database, venues: Venues) -> None:
        self._database = database
        self._venues = venues

    async def current(
        self, scope: TenantScope, venue_id: UUID, metric_types: Collection[str] = ()
    ) -> list[LiveState]:
        """The venue's live metrics with a value in the last hour, ordered by name; of these types, or all.

        Of more than `store.MOST_METRICS` those that changed last.

        Raises:
            VenueNotFound: The scope has no such venue.
        """
        await self._venues.require(scope, [venue_id])
        async with self._database.transaction(scope) as conn:
            states = await store.select_states(
                conn,
                scope.tenant_id,
                [venue_id],
                datetime.now(UTC),
                metric_types or None,
                most=store.MOST_METRICS,
            )
        return [state for state in states if not state.is_empty]
