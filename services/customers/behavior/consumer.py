"""The queue that keeps what people do in their sessions."""

from collections.abc import Sequence
from typing import Final

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.consumer import repeatable
from libs.common.bus.fitness import require_fit
from libs.common.bus.port import BatchHandler, Bus, Consumer
from libs.common.context import current_caller
from libs.common.erasure.tombstones import Hiding
from services.customers.behavior.documents import TYPES, visit_of
from services.customers.behavior.store import BehaviorStore

__all__ = ("PREFETCH", "QUEUE", "TYPES", "Behavior")

QUEUE: Final = "customers.behavior"
PREFETCH: Final = 500


class Behavior:
    """Merges steps into sessions. While MongoDB is away they wait in the queue; nothing else waits.

    Args:
        store: Sessions of people.
        hiding: Puts pseudonyms in the place of erased people.
    """

    def __init__(self, store: BehaviorStore, hiding: Hiding) -> None:
        self._store = store
        self._hiding = hiding
        self._is_ready = False

    def consumer(self, bus: Bus) -> Consumer:
        """The queue's consumer on a bus."""
        return bus.consume(QUEUE, types=TYPES, handler=self.handler(), prefetch=PREFETCH)

    def handler(self) -> BatchHandler:
        """What the consumer does with a batch of deliveries."""
        return repeatable(service="customers", apply=self.apply)

    async def apply(self, events: Sequence[Event]) -> None:
        """Merge the events into their sessions, erased people under their pseudonyms.

        Applying an event again changes nothing.

        Raises:
            InvalidField: An event breaks a rule of its contract; it goes to the dead letters with the reason.
            DependencyUnavailable: MongoDB is not reachable.
        """
        for event in events:
            require_fit(event)
        if not self._is_ready:
            await self._store.ensure()
            self._is_ready = True
        if all(visit_of(event) is None for event in events):
            return
        async with self._hiding.hidden(current_caller().tenant_id, events) as hidden:
            await self._store.add([visit for event in hidden if (visit := visit_of(event)) is not None])
