"""Use case: the rows of a data set, as they are at one moment, for whoever writes a file."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from libs.common.tables.snapshots import Batch, Snapshots
from services.customers.exports.question import Question


class Exporter:
    """Reads data sets; what bounds an export is said where snapshots are read.

    Args:
        database: The service's database.
        venues: The venues of tenants.
    """

    def __init__(self, database: Database, venues: Venues) -> None:
        self._venues = venues
        self._snapshots = Snapshots(database)

    async def batches(self, scope: TenantScope, question: Question) -> AsyncGenerator[Batch]:
        """First an empty batch, when the snapshot has been taken; then all rows in the data set's order.

        People are whole in them: whoever sends the rows masks what the caller may not see.

        Raises:
            VenueNotFound: The scope has no such venue.
            ExportsBusy: As many exports as may run are running.
            StatementTimedOut: The rows cannot be put in order in time.
            DependencyUnavailable: The database is not reachable, or cut off a reader that took nothing.
        """
        with self._snapshots.turn():
            if question.venue_id is not None:
                await self._venues.require(scope, [question.venue_id])
            binds = question.binds(scope.tenant_id)
            async with aclosing(
                self._snapshots.batches(scope, question.dataset.statement, *binds)
            ) as batches:
                async for batch in batches:
                    yield batch
