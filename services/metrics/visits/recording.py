"""The visits' part in a batch of platform events."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.revision import repeated_id
from libs.common.catalog.statements import NamedEvent
from libs.common.postgres.database import Connection
from services.metrics.changes import Changes
from services.metrics.namespaces import Topic
from services.metrics.visits.effects import daily_facts, daily_visits, live_values
from services.metrics.visits.events import TYPES, shows_of, visit_of
from services.metrics.visits.histories import days_of
from services.metrics.visits.history_store import HistoryStore
from services.metrics.visits.store import VisitStore
from services.metrics.visits.tallies import session_days, sessions

__all__ = ("TYPES", "record", "shows")


def shows(events: Iterable[Event]) -> list[NamedEvent]:
    """The shows that visits are about, at the venue whose pages were seen."""
    named = dict.fromkeys((event_id, event.venue_id) for event in events for event_id in shows_of(event))
    return [NamedEvent(event_id, repeated_id(venue_id)) for event_id, venue_id in named]


async def record(conn: Connection, tenant_id: UUID, events: Sequence[Event]) -> Changes:
    """Keep visits; those that are kept already, however long ago they came, count no second time.

    Raises:
        InvalidField: A visit lies in the future.
    """
    facts = [visit_of(event) for event in events]
    store = VisitStore(conn, tenant_id)
    unknown = await store.insert(facts)
    new = [fact for fact in facts if fact.fact_id in unknown]
    if not new:
        return Changes()
    await store.add_days(session_days(new))
    await store.add_sessions(sessions(new))
    await HistoryStore(conn, tenant_id).add(days_of(new))
    changes = Changes(live=live_values(new), daily=daily_facts(new), visits=daily_visits(new))
    changes.touch({fact.venue_id for fact in new}, Topic.VISITS)
    return changes
