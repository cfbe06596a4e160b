"""The queue that keeps the documents of shows."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Final

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.consumer import repeatable
from libs.common.bus.fitness import require_fit
from libs.common.bus.port import BatchHandler, Bus, Consumer
from services.metrics.event_documents.documents import (
    STATED_TYPES,
    Statement,
    empty_document,
    merged,
    statement_of,
)
from services.metrics.event_documents.store import EventDocumentStore

QUEUE: Final = "metrics.event-documents"
TYPES: Final = STATED_TYPES
PREFETCH: Final = 200


class EventDocuments:
    """Merges events into documents. While MongoDB is away they wait in the queue; nothing else waits."""

    def __init__(self, store: EventDocumentStore) -> None:
        self._store = store
        self._is_ready = False

    def consumer(self, bus: Bus) -> Consumer:
        """The queue's consumer on a bus."""
        return bus.consume(QUEUE, types=TYPES, handler=self.handler(), prefetch=PREFETCH)

    def handler(self) -> BatchHandler:
        """What the consumer does with a batch of deliveries."""
        return repeatable(service="metrics", apply=self.apply)

    async def apply(self, events: Sequence[Event]) -> None:
        """Merge the events into their shows' documents; applying one again changes nothing.

        Raises:
            InvalidField: An event breaks a rule of its contract; it goes to the dead letters with the reason.
            DependencyUnavailable: MongoDB is not reachable.
        """
        for event in events:
            require_fit(event)
        if not self._is_ready:
            await self._store.ensure()
            self._is_ready = True
        by_show: dict[str, list[Statement]] = defaultdict(list)
        for event in events:
            statement = statement_of(event)
            by_show[statement.show_id].append(statement)
        for show_id, statements in by_show.items():
            await self._store.change(empty_document(show_id), partial(merged, statements=statements))
