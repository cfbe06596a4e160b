"""Use case: the sessions active now."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from tickettoken.metrics.v1 import sessions_pb2

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.paging import PageTokens, page_size
from libs.common.postgres.database import Database
from services.metrics.visits.active_store import Interval, select_active, select_activity
from services.metrics.visits.mapping import sessions_message


class ActiveSessions:
    """Sessions of venues that did something lately; read each time, since the answer ages by itself.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        tokens: Page tokens.
        active_seconds: How long a session is active after its last activity.
        now: The clock.
    """

    def __init__(
        self,
        database: Database,
        venues: Venues,
        tokens: PageTokens,
        *,
        active_seconds: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._venues = venues
        self._tokens = tokens
        self._active_seconds = active_seconds
        self._now = now

    async def page(
        self, scope: TenantScope, request: sessions_pb2.ListActiveSessionsRequest
    ) -> sessions_pb2.ListActiveSessionsResponse:
        """One page, the latest activity first.

        A session that does something between two pages moves to the front: no page shows it twice.

        Raises:
            VenueNotFound: The scope has no such venue.
            InvalidField: The page size or page token is malformed.
        """
        size = page_size(request.page_size)
        position = self._tokens.read(tenant_id=scope.tenant_id, request=request)
        after = None if position is None else cast("tuple[datetime, str]", position)
        venue_id = UUID(request.venue_id)
        await self._venues.require(scope, [venue_id])
        active = Interval.at(self._now(), self._active_seconds)
        async with self._database.transaction(scope) as conn:
            activity = await select_activity(conn, scope.tenant_id, venue_id, active)
            rows = await select_active(conn, scope.tenant_id, venue_id, active, after=after, limit=size + 1)
        next_token = ""
        if len(rows) > size:
            last = rows[size - 1]
            next_token = self._tokens.make(
                (last.last_seen_at, last.session_id), tenant_id=scope.tenant_id, request=request
            )
        return sessions_message(rows[:size], activity, next_token, active_seconds=self._active_seconds)
