"""Use case: find people of a venue by what is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from tickettoken.customers.v1 import search_pb2

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.paging import PageTokens, page_size
from libs.common.postgres.database import Database
from services.customers.errors import SearchTooBroad
from services.customers.people.reader import PeopleReader, Person
from services.customers.people.search_question import Matching, question_of
from services.customers.people.search_store import (
    Asking,
    Match,
    Matches,
    Place,
    select_match,
    select_matches,
)

_MOST_ROWS: Final = 20_000
"""Words of one range that are read: so many cost a fraction of a second."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of people, the best first."""

    matches: Sequence[Match]
    people: dict[UUID, Person]
    matching: Matching
    next_page_token: str


class Search:
    """Searches among the people of a venue.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        people: Who people are.
        pages: Page tokens.
        most_rows: Words of one range that are read.
    """

    def __init__(
        self,
        database: Database,
        venues: Venues,
        people: PeopleReader,
        pages: PageTokens,
        *,
        most_rows: int = _MOST_ROWS,
    ) -> None:
        self._database = database
        self._venues = venues
        self._people = people
        self._pages = pages
        self._most_rows = most_rows

    async def page(
        self, scope: TenantScope, request: search_pb2.SearchCustomersRequest, *, shows_pii: bool
    ) -> Found:
        """One page of whom the request's text finds.

        Raises:
            VenueNotFound: The scope has no such venue.
            InvalidField: The text holds neither letter nor digit, or the page's size is negative.
            PageTokenInvalid: The token is of another request.
            SearchTooBroad: More words begin with a word of the text than are read.
        """
        venue_id = UUID(request.venue_id)
        await self._venues.require(scope, [venue_id])
        size = page_size(request.page_size)
        position = self._pages.read(tenant_id=scope.tenant_id, request=request)
        question = question_of(request.q, shows_pii=shows_pii)
        after = None if position is None else Place(*position)  # type: ignore[arg-type]  # its own token's
        asking = Asking(venue_id, question, request.segment or None, after, size + 1)
        matches = await self._matches(scope, asking)
        shown, token = matches[:size], ""
        if len(matches) > size:
            token = self._pages.make(shown[-1].place, tenant_id=scope.tenant_id, request=request)
        people = await self._people.people(scope, [match.customer_id for match in shown])
        return Found(shown, people, question.matching, token)

    async def _matches(self, scope: TenantScope, asking: Asking) -> Matches:
        customer_id = asking.question.customer_id
        async with self._database.transaction(scope) as conn:
            if customer_id is not None:
                match = await select_match(conn, scope.tenant_id, asking, customer_id)
                return Matches() if match is None or asking.after is not None else Matches([match])
            matches = await select_matches(conn, scope.tenant_id, asking, self._most_rows)
        if matches.breadth >= self._most_rows:
            raise SearchTooBroad("too many customers have such a word: ask for more", limit=self._most_rows)
        return matches
