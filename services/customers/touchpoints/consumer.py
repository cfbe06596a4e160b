"""The queue that keeps touchpoints."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.consumer import repeatable
from libs.common.bus.fitness import MOST_MINOR, require_fit
from libs.common.bus.port import BatchHandler, Bus, Consumer
from libs.common.cache.cache import Cache
from libs.common.erasure.tombstones import Hiding
from libs.common.errors import InvalidField
from libs.common.ids import repeated_id
from services.customers.namespaces import venue_namespaces
from services.customers.touchpoints.documents import document_of
from services.customers.touchpoints.store import TouchpointStore

QUEUE: Final = "customers.touchpoints"
TYPES: Final = ("campaign.touchpoint",)
PREFETCH: Final = 500
MOST_METADATA_BYTES: Final = 16_384


class Touchpoints:
    """Stores batches of touchpoints. While MongoDB is away they wait in the queue; nothing else waits.

    Args:
        store: Where they are kept.
        hiding: Puts pseudonyms in the place of people who were erased.
        cache: Its answers about venues end when touchpoints come to them or leave them.
    """

    def __init__(self, store: TouchpointStore, hiding: Hiding, cache: Cache) -> None:
        self._store = store
        self._hiding = hiding
        self._cache = cache
        self._is_ready = False

    def consumer(self, bus: Bus) -> Consumer:
        """The queue's consumer on a bus."""
        return bus.consume(QUEUE, types=TYPES, handler=self.handler(), prefetch=PREFETCH)

    def handler(self) -> BatchHandler:
        """What the consumer does with a batch of deliveries."""
        return repeatable(service="customers", apply=self.apply)

    async def apply(self, events: Sequence[Event]) -> None:
        """Keep the touchpoints; applying one again changes nothing.

        Raises:
            InvalidField: An event breaks a rule of its contract; it goes to the dead letters with the reason.
            DependencyUnavailable: A store is not reachable.
        """
        for event in events:
            _require_fit(event)
        if not self._is_ready:
            await self._store.ensure()
            self._is_ready = True
        async with self._hiding.hidden(UUID(events[0].tenant_id), events) as hidden:
            documents = [document_of(event) for event in hidden]
            left = await self._store.add(documents)
        venues = {UUID(venue_id) for venue_id in left.union(document["venue_id"] for document in documents)}
        await self._cache.invalidate(venue_namespaces(venues))


def _require_fit(event: Event) -> None:
    require_fit(event)
    stated = event.campaign_touchpoint
    if stated.metadata.ByteSize() > MOST_METADATA_BYTES:
        raise InvalidField.of("campaignTouchpoint.metadata", f"at most {MOST_METADATA_BYTES} bytes")
    if stated.cost.amount_minor > MOST_MINOR:
        raise InvalidField.of("campaignTouchpoint.cost", f"must be at most {MOST_MINOR}")
    try:
        repeated_id(event.venue_id)
    except ValueError:
        raise InvalidField.of("venueId", "must be the venue's UUID in campaign.touchpoint") from None
