"""Use case: where the tickets of each show and ticket type are, a page at a time and cached."""

from uuid import UUID

from tickettoken.metrics.v1 import marketplace_pb2

from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import TICKETS
from libs.common.context import TenantScope
from libs.common.paging import PageTokens, page_size
from libs.common.postgres.database import Database
from services.metrics.catalog.venues import Venues
from services.metrics.errors import EventNotFound
from services.metrics.read_models.changes import Topic
from services.metrics.read_models.namespaces import namespace
from services.metrics.tickets.mapping import page_message
from services.metrics.tickets.status_store import StatusFilter, StatusPosition, has_show, select_page

Request = marketplace_pb2.GetTicketStatusRequest
Response = marketplace_pb2.GetTicketStatusResponse


class TicketStatuses:
    """Ticket status for callers; what they may see is checked before the cache is asked."""

    def __init__(self, database: Database, venues: Venues, cache: Cache, tokens: PageTokens) -> None:
        self._database = database
        self._venues = venues
        self._cache = cache
        self._tokens = tokens

    async def page(self, scope: TenantScope, request: Request) -> Response:
        """One page by start time of the show and name of the type.

        Raises:
            PageTokenInvalid: The token is not of this tenant and filter.
            VenueNotFound: The scope has no such venue.
            EventNotFound: There is no such show, or not at the venue.
        """
        venue_id = UUID(request.venue_id) if request.venue_id else None
        event_id = UUID(request.event_id) if request.event_id else None
        only = StatusFilter(venue_id, event_id)
        position = self._tokens.read(tenant_id=scope.tenant_id, request=request)
        after = None if position is None else StatusPosition.read(position)
        size = page_size(request.page_size)
        if venue_id is not None:
            await self._venues.require(scope, [venue_id])

        async def compute() -> bytes:
            async with self._database.transaction(scope) as conn:
                if event_id and not await has_show(conn, scope.tenant_id, event_id, venue_id):
                    raise EventNotFound("no such event", event_id=event_id)
                rows = await select_page(conn, scope.tenant_id, only, after, size + 1)
            token = ""
            if len(rows) > size:
                rows = rows[:size]
                token = self._tokens.make(
                    StatusPosition.of(rows[-1]), tenant_id=scope.tenant_id, request=request
                )
            return page_message(rows, token).SerializeToString()

        asked = "/".join(map(str, (event_id or "", size, *(after or ()))))
        answer = await self._cache.get_or_compute(
            namespace(Topic.TICKETS, venue_id), f"status/{asked}", TICKETS.ttl, compute
        )
        return Response.FromString(answer)
