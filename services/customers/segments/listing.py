"""Use case: a venue's customers with their scores, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from tickettoken.customers.v1 import segments_pb2

from libs.common.buckets import zone
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.paging import PageTokens, page_size
from libs.common.postgres.database import Connection, Database
from services.customers.errors import SegmentNotFound
from services.customers.people.reader import PeopleReader, Person
from services.customers.rfm.place import local_day
from services.customers.rfm.reader import ScoreReader, StoredScore
from services.customers.segments.listing_store import Listed, Listing, is_own_segment, select_page
from services.customers.segments.reports import SCORED


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """One page of customers."""

    customers: Sequence[Listed]
    scores: Mapping[UUID, StoredScore]
    people: Mapping[UUID, Person]
    next_page_token: str


class CustomerListing:
    """Lists customers of venues.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        scores: Scores as they stand.
        people: Who people are.
        pages: Page tokens.
    """

    def __init__(
        self, database: Database, venues: Venues, scores: ScoreReader, people: PeopleReader, pages: PageTokens
    ) -> None:
        self._database = database
        self._venues = venues
        self._scores = scores
        self._people = people
        self._pages = pages

    async def page(self, scope: TenantScope, request: segments_pb2.ListVenueCustomersRequest) -> CustomerPage:
        """One page of the customers that the request asks for.

        Raises:
            VenueNotFound: The scope has no such venue.
            SegmentNotFound: The venue has no such segment.
            InvalidField: The page's size is negative.
            PageTokenInvalid: The token is of another request.
        """
        venue_id = UUID(request.venue_id)
        venue = (await self._venues.require(scope, [venue_id]))[venue_id]
        size = page_size(request.page_size)
        after = self._pages.read(tenant_id=scope.tenant_id, request=request)
        today = local_day(datetime.now(UTC), zone(venue.time_zone))
        place = (scope.tenant_id, venue_id)
        async with self._database.transaction(scope) as conn:
            listing = await _listing(conn, place, request, today)
            found = await select_page(conn, place, listing, after, size + 1)
            shown, token = found[:size], ""
            if len(found) > size:
                position = (shown[-1].rank, shown[-1].customer_id)
                token = self._pages.make(position, tenant_id=scope.tenant_id, request=request)
            ids = [one.customer_id for one in shown]
            scores = await self._scores.scores(scope, ids, venue_id=venue_id)
            people = await self._people.people(scope, ids, venue_id=venue_id)
        return CustomerPage(shown, scores, people, token)


async def _listing(
    conn: Connection,
    place: tuple[UUID, UUID],
    request: segments_pb2.ListVenueCustomersRequest,
    today: date,
) -> Listing:
    is_own = bool(request.segment) and request.segment not in SCORED
    if is_own and not await is_own_segment(conn, place, request.segment):
        raise SegmentNotFound("no such segment", segment=request.segment)
    since = None
    if request.HasField("max_days_since_purchase"):
        since = today - timedelta(days=min(request.max_days_since_purchase, today.toordinal() - 1))
    return Listing(
        order_by=request.order_by or "spend",
        segment=request.segment if request.segment and not is_own else None,
        own_segment=request.segment if is_own else None,
        min_spend=request.min_spend if request.HasField("min_spend") else None,
        since_day=since,
    )
