"""Use case: tenants make segments of a venue's customers, and delete them."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from tickettoken.customers.v1 import segments_pb2
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus import outbox
from libs.common.catalog.venues import Venues
from libs.common.context import Caller
from libs.common.errors import InvalidField
from libs.common.postgres.database import Database
from services.customers.auditing import Subject, actor_of, audit_event
from services.customers.errors import SegmentExists, SegmentNotFound, TooManySegments
from services.customers.rfm.ledger import lock_scores
from services.customers.segments.criteria import criteria_of
from services.customers.segments.members import stored_predicate
from services.customers.segments.reports import SCORED
from services.customers.segments.store import SegmentStore

_MOST_SEGMENTS: Final = 50


class SegmentDefinitions:
    """Segments that tenants make. Members are found in the transaction that makes a segment.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        audit_key: Makes the pseudonyms of callers in the audit.
    """

    def __init__(self, database: Database, venues: Venues, audit_key: bytes) -> None:
        self._database = database
        self._venues = venues
        self._audit_key = audit_key

    async def create(self, caller: Caller, request: segments_pb2.CreateSegmentRequest) -> None:
        """Make a segment.

        Raises:
            VenueNotFound: The caller has no such venue.
            InvalidField: The name is that of a segment of scores, or the predicate makes no sense.
            SegmentExists: The name is taken.
            TooManySegments: The venue has as many as may be.
            TransactionConflict: Customers are being scored.
        """
        venue_id, at = UUID(request.venue_id), datetime.now(UTC)
        await self._venues.require(caller.scope, [venue_id])
        _require_own("name", request.name)
        criteria = criteria_of(request.predicate)
        stored = stored_predicate(request.predicate)
        async with self._database.transaction(caller.scope) as conn:
            await lock_scores(conn, caller.tenant_id)
            store = SegmentStore(conn, caller.tenant_id, venue_id)
            own = await store.own()
            if request.name in own or not await store.insert(request.name, stored, at):
                raise SegmentExists("the venue has a segment of this name", segment=request.name)
            if len(own) >= _MOST_SEGMENTS:
                raise TooManySegments("the venue has too many segments", limit=_MOST_SEGMENTS)
            await store.keep_members(request.name, criteria.binds, None, at)
            event = self._audited(caller, "CreateSegment", (venue_id, request.name), after=stored)
            await outbox.append(conn, [event])

    async def delete(self, caller: Caller, venue_id: UUID, segment: str) -> None:
        """Delete a segment that the tenant made.

        Raises:
            VenueNotFound: The caller has no such venue.
            InvalidField: It is a segment of scores.
            SegmentNotFound: The tenant made none of this name.
            TransactionConflict: Customers are being scored.
        """
        await self._venues.require(caller.scope, [venue_id])
        _require_own("segment", segment)
        async with self._database.transaction(caller.scope) as conn:
            await lock_scores(conn, caller.tenant_id)
            stored = await SegmentStore(conn, caller.tenant_id, venue_id).delete(segment)
            if stored is None:
                raise SegmentNotFound("no such segment", segment=segment)
            event = self._audited(caller, "DeleteSegment", (venue_id, segment), before=stored)
            await outbox.append(conn, [event])

    def _audited(
        self,
        caller: Caller,
        method: str,
        key: tuple[UUID, str],
        *,
        before: str | None = None,
        after: str | None = None,
    ) -> Event:
        venue_id, segment = key
        subject = Subject(
            "segment",
            f"{venue_id}/{segment}",
            venue_id,
            entity_id=str(venue_id),
            before_hash="" if before is None else _hash(before),
            after_hash="" if after is None else _hash(after),
        )
        actor = actor_of(self._audit_key, caller.tenant_id, caller.subject)
        action = f"CustomersService/{method}"
        return audit_event(caller.tenant_id, actor, action, subject, at=datetime.now(UTC))


def _require_own(field: str, segment: str) -> None:
    if segment in SCORED:
        raise InvalidField.of(field, "is a segment of scores, which every venue has")


def _hash(stored: str) -> str:
    """Of the predicate's content: the database writes JSON in its own way."""
    return hashlib.sha256(json.dumps(json.loads(stored), sort_keys=True).encode()).hexdigest()
