"""Use case: the rows of a data set, as they are at one moment, for whoever writes a file."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from libs.common.tables.snapshots import Batch, Snapshots
from services.metrics.errors import EventNotFound
from services.metrics.exports.question import Question
from services.metrics.exports.store import has_show


class Exporter:
    """Reads data sets; what bounds an export is said where snapshots are read.

    Args:
        database: The service's database.
        venues: The venues of tenants.
        most_at_once: Exports that this process serves at once.
        idle_seconds: How long a reader may take nothing.
    """

    def __init__(
        self, database: Database, venues: Venues, *, most_at_once: int = 2, idle_seconds: float = 60.0
    ) -> None:
        self._venues = venues
        self._snapshots = Snapshots(database, most_at_once=most_at_once, idle_seconds=idle_seconds)

    async def batches(self, scope: TenantScope, question: Question) -> AsyncGenerator[Batch]:
        """First an empty batch, when the snapshot has been taken; then all rows in the data set's order.

        Raises:
            VenueNotFound: The scope has no such venue.
            EventNotFound: The scope, or the venue, has no such show.
            ExportsBusy: As many exports as may run are running.
            StatementTimedOut: The rows cannot be put in order in time.
            DependencyUnavailable: The database is not reachable, or cut off a reader that took nothing.
        """
        with self._snapshots.turn():
            if question.venue_id is not None:
                await self._venues.require(scope, [question.venue_id])
            rows = self._snapshots.batches(
                scope,
                question.dataset.statement,
                *question.binds(scope.tenant_id),
                check=partial(_require_show, scope=scope, question=question),
            )
            async with aclosing(rows) as batches:
                async for batch in batches:
                    yield batch


async def _require_show(conn: Connection, *, scope: TenantScope, question: Question) -> None:
    event_id = question.event_id
    if event_id is not None and not await has_show(conn, scope.tenant_id, event_id, question.venue_id):
        raise EventNotFound("no such event", event_id=event_id)
