"""Use case: one page of a customer's journey, from the read models and from MongoDB."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID

from tickettoken.customers.v1 import journey_pb2

from libs.common.buckets import Window
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.moments import moment_of
from libs.common.paging import PageTokens, page_size
from libs.common.postgres.database import Database
from services.customers.journey.entries import Entry, Place, Stretch, first_of
from services.customers.journey.store import select_facts
from services.customers.people.reader import PeopleReader

_BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)
_END: Final = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, the latest first, and the token of the page behind them."""

    entries: Sequence[Entry]
    next_page_token: str


class Source(Protocol):
    """Entries that another capability keeps."""

    async def entries(self, scope: TenantScope, stretch: Stretch) -> Sequence[Entry]:
        """A stretch of a person's journey, in the order of places."""


class Journeys:
    """Journeys of customers.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        people: Who people are.
        pages: Page tokens.
        sources: What is kept elsewhere: sessions, touchpoints.
    """

    def __init__(
        self,
        database: Database,
        venues: Venues,
        people: PeopleReader,
        pages: PageTokens,
        sources: Sequence[Source],
    ) -> None:
        self._database = database
        self._venues = venues
        self._people = people
        self._pages = pages
        self._sources = sources

    async def page(self, scope: TenantScope, request: journey_pb2.GetCustomerJourneyRequest) -> Page:
        """One page, the latest first.

        Raises:
            VenueNotFound: The scope has no such venue.
            CustomerNotFound: The venue has no such customer.
            InvalidField: A time lies outside the calendar, or the page's size is negative.
            PageTokenInvalid: The token is of another request.
            DependencyUnavailable: MongoDB is not reachable: an answer without what it holds would look whole.
        """
        venue_id, customer_id = UUID(request.venue_id), UUID(request.customer_id)
        await self._venues.require(scope, [venue_id])
        await self._people.require(scope, venue_id, customer_id)
        size = page_size(request.page_size)
        position = self._pages.read(tenant_id=scope.tenant_id, request=request)
        after = None if position is None else Place(*position)  # type: ignore[arg-type]  # its own token's
        stretch = Stretch(venue_id, customer_id, _window(request), after, size + 1)
        kept = [source.entries(scope, stretch) for source in self._sources]
        entries = first_of(await asyncio.gather(self._facts(scope, stretch), *kept), size + 1)
        token = ""
        if len(entries) > size:
            token = self._pages.make(entries[size - 1].place, tenant_id=scope.tenant_id, request=request)
        return Page(entries[:size], token)

    async def _facts(self, scope: TenantScope, stretch: Stretch) -> list[Entry]:
        async with self._database.transaction(scope) as conn:
            return await select_facts(conn, scope.tenant_id, stretch)


def _window(request: journey_pb2.GetCustomerJourneyRequest) -> Window:
    start = moment_of(request.start_date, "startDate") if request.HasField("start_date") else _BEGINNING
    end = moment_of(request.end_date, "endDate") if request.HasField("end_date") else _END
    return Window(start, end)
