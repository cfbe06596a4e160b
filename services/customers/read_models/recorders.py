"""The capabilities that keep read models, in the order in which a transaction writes them."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.catalog.statements import NamedEvent
from libs.common.postgres.database import Connection
from services.customers.changes import Changes
from services.customers.churn import recording as churn
from services.customers.insights import recording as insights
from services.customers.lifetime import recording as lifetime
from services.customers.people import recording as people
from services.customers.people import search_recording as search
from services.customers.people.sightings import Sighting
from services.customers.purchases import attending
from services.customers.purchases import recording as purchases


@dataclass(frozen=True, slots=True)
class Recorder:
    """One capability's part in a batch.

    `shows` tells which shows its events name, so that the catalog has a row for them, and `sightings` which
    people they saw at which venues; `record` writes events that were never applied, in any order, within the
    tenant's transaction. Every transaction calls recorders in the order of `RECORDERS` and each sorts its
    rows, so that two replicas wait in one order.
    """

    types: tuple[str, ...]
    shows: Callable[[Sequence[Event]], Iterable[NamedEvent]]
    record: Callable[[Connection, UUID, Sequence[Event]], Awaitable[Changes]]
    sightings: Callable[[Sequence[Event]], Iterable[Sighting]] = lambda _events: ()


def _no_shows(_events: Sequence[Event]) -> Iterable[NamedEvent]:
    return ()


RECORDERS: Final = (
    Recorder(purchases.TYPES, purchases.shows, purchases.record, purchases.sightings),
    Recorder(attending.TYPES, attending.shows, attending.record, attending.sightings),
    Recorder(people.TYPES, _no_shows, people.record),
    Recorder(search.TYPES, _no_shows, search.record),
    Recorder(lifetime.TYPES, _no_shows, lifetime.record),
    Recorder(churn.TYPES, _no_shows, churn.record),
    Recorder(insights.TYPES, _no_shows, insights.record),
)
