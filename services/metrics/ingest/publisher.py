"""Use case: take events in, each judged by itself, all that are accepted in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus import inbox, outbox
from libs.common.bus.outbox import OutboxRelay
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.metrics.ingest.judgement import VENUE_REFUSED, Refusal, refusal_of
from services.metrics.ingest.ownership import of_other_venues, things_named

PUBLISHED: Final = "metrics.published"
"""Name under which the inbox remembers what was published: an event is accepted once."""


@dataclass(slots=True)
class Verdicts:
    """The fate of a call's events by their position; those in neither collection were accepted."""

    duplicates: list[int] = field(default_factory=list)
    refusals: dict[int, Refusal] = field(default_factory=dict)


class Publisher:
    """Takes platform events in for a tenant.

    Args:
        database: The app role's database.
        venues: Who owns which venue.
        relay: Carries the outbox to the bus; woken when there is something to carry.
    """

    def __init__(self, database: Database, venues: Venues, relay: OutboxRelay) -> None:
        self._database = database
        self._venues = venues
        self._relay = relay

    async def publish(self, scope: TenantScope, events: Sequence[Event]) -> Verdicts:
        """Verdicts once the accepted events are committed; the relay brings them to the bus.

        Args:
            scope: Whose events they are; the tenant is written into them.
            events: Events as they were sent.
        """
        verdicts = Verdicts()
        candidates: dict[int, Event] = {}
        for index, event in enumerate(events):
            refusal = refusal_of(event, scope)
            if refusal is None:
                event.tenant_id = str(scope.tenant_id)
                candidates[index] = event
            else:
                verdicts.refusals[index] = refusal
        if candidates:
            async with self._database.transaction(scope) as conn:
                await self._accept(conn, scope, candidates, verdicts)
            self._relay.wake()
        return verdicts

    async def _accept(
        self, conn: Connection, scope: TenantScope, candidates: dict[int, Event], verdicts: Verdicts
    ) -> None:
        venue_ids = {UUID(event.venue_id) for event in candidates.values() if event.venue_id}
        owned = await self._venues.register(conn, scope, venue_ids)
        foreign = await self._foreign_things(conn, scope, candidates.values())
        by_id: dict[UUID, int] = {}
        for index, event in candidates.items():
            is_refused = event.venue_id and UUID(event.venue_id) not in owned
            if is_refused or (foreign and not foreign.isdisjoint(things_named(event))):
                verdicts.refusals[index] = VENUE_REFUSED
            elif by_id.setdefault(UUID(event.event_id), index) != index:
                verdicts.duplicates.append(index)
        new = await inbox.claim(conn, PUBLISHED, by_id) if by_id else set()
        verdicts.duplicates.extend(index for event_id, index in by_id.items() if event_id not in new)
        await outbox.append(conn, [candidates[by_id[event_id]] for event_id in by_id if event_id in new])

    @staticmethod
    async def _foreign_things(
        conn: Connection, scope: TenantScope, events: Iterable[Event]
    ) -> frozenset[UUID]:
        """What a caller with a venue grant names of venues outside it: not the caller's to restate."""
        if scope.venue_ids is None:
            return frozenset()
        named = {thing for event in events for thing in things_named(event)}
        return await of_other_venues(conn, scope, named)
