"""Use case: where the tickets of each show and ticket type are, a page at a time and cached."""

from uuid import UUID

from tickettoken.metrics.v1 import marketplace_pb2

from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import TICKETS
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.paging import PageTokens, page_size
from libs.common.postgres.database import Connection, Database
from services.metrics.errors import EventNotFound
from services.metrics.namespaces import Topic, namespace
from services.metrics.tickets.mapping import page_message
from services.metrics.tickets.status_store import (
    StatusPosition,
    StatusRow,
    has_show,
    select_shows,
    select_status,
)

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
        position = self._tokens.read(tenant_id=scope.tenant_id, request=request)
        after = None if position is None else StatusPosition.read(position)
        size = page_size(request.page_size)
        if venue_id is not None:
            await self._venues.require(scope, [venue_id])

        async def compute() -> bytes:
            async with self._database.transaction(scope) as conn:
                if event_id is None:
                    rows = await _read(conn, scope.tenant_id, venue_id, after, size + 1)
                elif await has_show(conn, scope.tenant_id, event_id, venue_id):
                    rows = await select_status(conn, scope.tenant_id, [event_id], after, size + 1)
                else:
                    raise EventNotFound("no such event", event_id=event_id)
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


async def _read(
    conn: Connection, tenant_id: UUID, venue_id: UUID | None, after: StatusPosition | None, wanted: int
) -> list[StatusRow]:
    """The next entries of all shows; as many as wanted, unless there are no more.

    Most shows have an entry, but those without tickets have none: then more shows are read, twice as many
    each time.
    """
    rows: list[StatusRow] = []
    event_ids = [] if after is None else [after.event_id]
    place = None if after is None else after.show
    count = wanted
    while len(rows) < wanted:
        shows = await select_shows(conn, tenant_id, venue_id, place, count)
        event_ids += [show.event_id for show in shows]
        rows += await select_status(conn, tenant_id, event_ids, after, wanted - len(rows))
        if len(shows) < count:
            break
        event_ids, place, count = [], shows[-1], 2 * count
    return rows
