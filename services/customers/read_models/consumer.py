"""The queue that keeps the read models: which events it takes, and one transaction for a batch of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.consumer import AfterCommit, in_transaction
from libs.common.bus.fitness import require_fit
from libs.common.bus.port import Bus, Consumer
from libs.common.cache.cache import Cache
from libs.common.catalog import events as catalog
from libs.common.catalog.recorder import record_catalog
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.erasure.tombstones import Tombstones
from libs.common.errors import VenueNotFound
from libs.common.ids import repeated_id
from libs.common.postgres.database import Connection, Database
from services.customers.changes import Changes
from services.customers.namespaces import venue_namespaces
from services.customers.people import recording as people
from services.customers.people.sightings import record_sightings
from services.customers.read_models.locks import lock_shared
from services.customers.read_models.recorders import RECORDERS
from services.customers.rfm import recording as scores
from services.customers.rfm.rescoring import Rescoring

QUEUE: Final = "customers.read-models"
TYPES: Final = tuple(
    dict.fromkeys((*catalog.TYPES, *(kind for recorder in RECORDERS for kind in recorder.types)))
)
"""Each type once, though several capabilities may keep a part of it."""
PREFETCH: Final = 500


class ReadModels:
    """Applies batches of one tenant's events; what a batch changes becomes visible at once or not at all.

    Without `rescoring` the scores of those concerned follow with the next run, or the next batch elsewhere.
    """

    def __init__(
        self,
        database: Database,
        venues: Venues,
        cache: Cache,
        tombstones: Tombstones,
        *,
        rescoring: Rescoring | None = None,
    ) -> None:
        self._database = database
        self._venues = venues
        self._cache = cache
        self._tombstones = tombstones
        self._rescoring = rescoring

    def consumer(self, bus: Bus) -> Consumer:
        """The queue's consumer on a bus."""
        handler = in_transaction(self._database, service="customers", queue=QUEUE, apply=self.apply)
        return bus.consume(QUEUE, types=TYPES, handler=handler, prefetch=PREFETCH)

    async def apply(self, conn: Connection, events: Sequence[Event]) -> AfterCommit:
        """Write new events of one tenant inside its transaction.

        Args:
            conn: The open transaction.
            events: Events that were never applied, in any order.

        Raises:
            InvalidField: An event breaks a rule of its contract; it goes to the dead letters with the reason.
            VenueNotFound: An event names a venue of another tenant.
        """
        for event in events:
            require_fit(event)
        tenant_id = repeated_id(events[0].tenant_id)
        await lock_shared(conn, tenant_id)
        events = await self._tombstones.hide(conn, tenant_id, events)
        await self._require_own_venues(conn, tenant_id, events)
        changes = await _record(conn, tenant_id, events)
        await scores.mark(conn, tenant_id, changes.customers, changes.people)
        restated = {repeated_id(event.venue_id) for event in events if event.type in catalog.TYPES}

        async def after_commit() -> None:
            self._venues.forget(tenant_id, restated)
            await self._cache.invalidate(venue_namespaces(changes.venues))
            if self._rescoring is not None and (changes.customers or changes.people):
                await self._rescoring.catch_up(TenantScope(tenant_id))

        return after_commit

    async def _require_own_venues(self, conn: Connection, tenant_id: UUID, events: Sequence[Event]) -> None:
        venue_ids = {repeated_id(event.venue_id) for event in events if event.venue_id}
        owned = await self._venues.register(conn, TenantScope(tenant_id), venue_ids)
        for venue_id in venue_ids - owned:
            raise VenueNotFound("the venue belongs to another tenant", venue_id=venue_id)


async def _record(conn: Connection, tenant_id: UUID, events: Sequence[Event]) -> Changes:
    by_type: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_type[event.type].append(event)

    def of(types: Iterable[str]) -> list[Event]:
        return [event for kind in types for event in by_type.get(kind, ())]

    parts = [(recorder, of(recorder.types)) for recorder in RECORDERS]
    shows = [show for recorder, own in parts for show in recorder.shows(own)]
    described = of(catalog.TYPES)
    moved_from = await record_catalog(conn, tenant_id, map(catalog.statement_of, described), shows)
    sightings = [sighting for recorder, own in parts for sighting in recorder.sightings(own)]
    await record_sightings(conn, tenant_id, sightings, people.described(of(people.TYPES)))
    changes = Changes(venues={*moved_from, *(repeated_id(event.venue_id) for event in described)})
    for recorder, own in parts:
        if own:
            changes.add(await recorder.record(conn, tenant_id, own))
    return changes
