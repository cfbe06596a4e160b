"""Use case: the rows of a data set, as they are at one moment, for whoever writes a file."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final
from zoneinfo import ZoneInfo

from libs.common.catalog.venues import Venues
from libs.common.context import Caller
from libs.common.postgres.database import Database
from libs.common.tables.snapshots import Batch, Snapshots
from services.customers.auditing import Audit, Subject
from services.customers.exports.consent import named_rows
from services.customers.exports.question import Question
from services.customers.privacy.pseudonyms import DailyPseudonyms

_CLOCK: Final = ZoneInfo("UTC")
"""Of the days of names: the same for every venue, so that rows of one person go together in any export."""


class Exporter:
    """Reads data sets; what bounds an export is said where snapshots are read.

    Args:
        database: The service's database.
        venues: The venues of tenants.
        pseudonyms: Names of people who have not consented.
        audit: Hears of every export before its first row is read.
    """

    def __init__(self, database: Database, venues: Venues, pseudonyms: DailyPseudonyms, audit: Audit) -> None:
        self._audit = audit
        self._venues = venues
        self._pseudonyms = pseudonyms
        self._snapshots = Snapshots(database)

    async def batches(self, caller: Caller, question: Question) -> AsyncGenerator[Batch]:
        """First an empty batch, when the snapshot has been taken; then all rows in the data set's order.

        Who has not consented is under a name of the day. Others are whole: whoever sends the rows masks what
        the caller may not see.

        Raises:
            VenueNotFound: The scope has no such venue.
            ExportsBusy: As many exports as may run are running.
            StatementTimedOut: The rows cannot be put in order in time.
            DependencyUnavailable: The database or Redis is not reachable, or the database cut off a reader
                that took nothing.
        """
        scope, venue_id = caller.scope, question.venue_id
        with self._snapshots.turn():
            if venue_id is not None:
                await self._venues.require(scope, [venue_id])
            names = await self._pseudonyms.of_day(scope.tenant_id, _CLOCK)
            subject = Subject("rows", question.dataset.name, venue_id)
            await self._audit.tell(caller, "CustomersService/ExportRows", subject)
            binds = question.binds(scope.tenant_id)
            async with aclosing(
                self._snapshots.batches(scope, question.dataset.statement, *binds)
            ) as batches:
                async for batch in batches:
                    yield named_rows(question.dataset, batch, names)
