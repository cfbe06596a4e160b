"""The queue in which services tell what they touched for an erasure."""

from collections.abc import Sequence
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.consumer import AfterCommit, in_transaction
from libs.common.bus.port import Bus, Consumer
from libs.common.postgres.database import Connection, Database
from services.customers.privacy.announcing import SERVICE
from services.customers.privacy.store import ErasureStore

QUEUE = "customers.erasure-confirmations"
TYPES = ("customer.erasure_confirmed",)
PREFETCH = 50


class Confirmations:
    """Carries confirmations into the receipts of their erasures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def consumer(self, bus: Bus) -> Consumer:
        """The queue's consumer on a bus."""
        handler = in_transaction(self._database, service=SERVICE, queue=QUEUE, apply=self.apply)
        return bus.consume(QUEUE, types=TYPES, handler=handler, prefetch=PREFETCH)

    async def apply(self, conn: Connection, events: Sequence[Event]) -> AfterCommit | None:
        """Keep what services of one tenant confirm; in one order, so that no two batches deadlock."""
        confirmed = [event.customer_erasure_confirmed for event in events]
        for one in sorted(confirmed, key=lambda one: (one.erasure_id, one.service)):
            store = ErasureStore(conn, UUID(events[0].tenant_id))
            await store.confirm(UUID(one.erasure_id), one.service, dict(one.touched_counts))
        return None
