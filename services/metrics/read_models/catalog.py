"""The catalog's part in a batch of platform events."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.catalog.events import TYPES, statement_of
from libs.common.catalog.recorder import record_catalog
from libs.common.catalog.statements import NamedEvent
from libs.common.postgres.database import Connection
from services.metrics.changes import Changes
from services.metrics.namespaces import Topic

__all__ = ("TYPES", "record")


async def record(
    conn: Connection, tenant_id: UUID, events: Sequence[Event], shows: Iterable[NamedEvent]
) -> Changes:
    """Keep what events of `TYPES` state, and make the shows that other events of the batch name."""
    venue_ids = {UUID(event.venue_id) for event in events}
    before = await record_catalog(conn, tenant_id, map(statement_of, events), shows)
    changes = Changes()
    changes.touch(venue_ids | before, *Topic)
    return changes
