"""Use case: the rows of a data set, as they are at one moment, for whoever writes a file."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from datetime import timedelta
from typing import Any, Final

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.metrics.errors import EventNotFound, ExportsBusy
from services.metrics.exports.question import Question
from services.metrics.exports.store import Rows, bound, has_show

BATCH_ROWS: Final = 4_000
Batch = Sequence[Sequence[Any]]
_RETRY: Final = timedelta(seconds=5)


class Exporter:
    """Reads data sets through a cursor of the server, so that memory holds one batch.

    One transaction stays open across the yields of an export, which nothing else in this service does: the
    contract promises one snapshot, and a snapshot lives as long as its transaction. What bounds it: a reader
    that takes nothing is cut off by the server, the token of the caller ends it, a caller that goes away
    closes the cursor, and only a few connections of the pool can be taken in this way.

    Args:
        database: The service's database.
        venues: The venues of tenants.
        most_at_once: Exports that this process serves at once.
        idle_seconds: How long a reader may take nothing.
    """

    def __init__(
        self, database: Database, venues: Venues, *, most_at_once: int = 2, idle_seconds: float = 60.0
    ) -> None:
        self._database = database
        self._venues = venues
        self._free = most_at_once
        self._idle_seconds = idle_seconds

    async def batches(self, scope: TenantScope, question: Question) -> AsyncGenerator[Batch]:
        """First an empty batch, when the snapshot has been taken; then all rows in the data set's order.

        Raises:
            VenueNotFound: The scope has no such venue.
            EventNotFound: The scope, or the venue, has no such show.
            ExportsBusy: As many exports as may run are running.
            StatementTimedOut: The rows cannot be put in order in time.
            DependencyUnavailable: The database is not reachable, or cut off a reader that took nothing.
        """
        with self._turn():
            if question.venue_id is not None:
                await self._venues.require(scope, [question.venue_id])
            async with self._database.transaction(scope) as conn:
                await bound(conn, idle_seconds=self._idle_seconds)
                await self._require_show(conn, scope, question)
                # A cursor in READ COMMITTED keeps the snapshot of its one statement until it is closed.
                rows = Rows(conn, question.dataset.statement, *question.binds(scope.tenant_id))
                async with aclosing(rows.batches(BATCH_ROWS)) as batches:
                    async for batch in batches:
                        yield batch

    async def _require_show(self, conn: Connection, scope: TenantScope, question: Question) -> None:
        event_id = question.event_id
        if event_id is not None and not await has_show(conn, scope.tenant_id, event_id, question.venue_id):
            raise EventNotFound("no such event", event_id=event_id)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._free:
            raise ExportsBusy("this replica exports as much as it may; try again", retry_after=_RETRY)
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
