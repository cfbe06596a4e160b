"""The queue that keeps what people do in their sessions."""

from collections.abc import Sequence
from typing import Final

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.consumer import repeatable
from libs.common.bus.port import BatchHandler, Bus, Consumer
from libs.common.bus.revision import happened_at, repeated_id
from libs.common.errors import InvalidField
from libs.common.rpc.validation import broken_rules
from services.customers.behavior.documents import TYPES, visit_of
from services.customers.behavior.store import BehaviorStore

__all__ = ("PREFETCH", "QUEUE", "TYPES", "Behavior")

QUEUE: Final = "customers.behavior"
PREFETCH: Final = 500


class Behavior:
    """Merges steps into sessions. While MongoDB is away they wait in the queue; nothing else waits."""

    def __init__(self, store: BehaviorStore) -> None:
        self._store = store
        self._is_ready = False

    def consumer(self, bus: Bus) -> Consumer:
        """The queue's consumer on a bus."""
        return bus.consume(QUEUE, types=TYPES, handler=self.handler(), prefetch=PREFETCH)

    def handler(self) -> BatchHandler:
        """What the consumer does with a batch of deliveries."""
        return repeatable(service="customers", apply=self.apply)

    async def apply(self, events: Sequence[Event]) -> None:
        """Merge the events into their sessions; applying one again changes nothing.

        Raises:
            InvalidField: An event breaks a rule of its contract; it goes to the dead letters with the reason.
            DependencyUnavailable: MongoDB is not reachable.
        """
        for event in events:
            _require_fit(event)
        if not self._is_ready:
            await self._store.ensure()
            self._is_ready = True
        visits = [visit for event in events if (visit := visit_of(event)) is not None]
        if visits:
            await self._store.add(visits)


def _require_fit(event: Event) -> None:
    payload = getattr(event, event.type.replace(".", "_"))
    for problem in broken_rules(payload):
        raise InvalidField.of(*problem)
    try:
        repeated_id(event.venue_id)
        happened_at(event)
    except (ValueError, OverflowError):
        raise InvalidField.of("venueId", "must be a UUID, at a time that the calendar holds") from None
