"""The queue that keeps every platform event as it came."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.consumer import repeatable
from libs.common.bus.fitness import require_fit
from libs.common.bus.port import Bus, Consumer
from libs.common.context import current_caller
from libs.common.erasure.tombstones import Hiding
from services.metrics.raw_events.documents import document_of
from services.metrics.raw_events.store import RawEventStore

QUEUE: Final = "metrics.raw-events"
TYPES: Final = ("#",)
PREFETCH: Final = 500


class RawEvents:
    """Stores batches of events. While MongoDB is away they wait in the queue; nothing else waits for them.

    Args:
        store: The raw events.
        hiding: Puts pseudonyms in the place of erased people.
        now: The present instant.
    """

    def __init__(
        self,
        store: RawEventStore,
        hiding: Hiding,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._hiding = hiding
        self._now = now
        self._is_ready = False

    def consumer(self, bus: Bus) -> Consumer:
        """The queue's consumer on a bus."""
        handler = repeatable(service="metrics", apply=self.apply)
        return bus.consume(QUEUE, types=TYPES, handler=handler, prefetch=PREFETCH)

    async def apply(self, events: Sequence[Event]) -> None:
        """Keep the events, erased people under their pseudonyms; one that is kept already stays as it is.

        Raises:
            InvalidField: An event breaks a rule of its contract; it goes to the dead letters with the reason.
            DependencyUnavailable: MongoDB is not reachable.
        """
        for event in events:
            require_fit(event)
        if not self._is_ready:
            await self._store.ensure()
            self._is_ready = True
        stored_at = self._now()
        async with self._hiding.hidden(current_caller().tenant_id, events) as hidden:
            await self._store.put([document_of(event, stored_at) for event in hidden])
