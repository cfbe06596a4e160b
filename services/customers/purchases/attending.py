"""The attendance's part in a batch of platform events: who came, and who passed a ticket on."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.revision import happened_at, optional_id, repeated_id
from libs.common.catalog.statements import NamedEvent
from libs.common.postgres.database import Connection
from services.customers.changes import Changes
from services.customers.purchases.store import Admission, PurchaseStore, Sighting, Transfer

_SCANNED: Final = "ticket.scanned"
_TRANSFERRED: Final = "ticket.transferred"
TYPES: Final = (_SCANNED, _TRANSFERRED)
_LET_IN: Final = frozenset({"admitted", "readmitted"})


def shows(events: Iterable[Event]) -> list[NamedEvent]:
    """The shows that tickets are for; a refused ticket may be for another venue's show, or forged."""
    named = dict.fromkeys(
        (getattr(event, event.WhichOneof("payload") or "").event_id, event.venue_id)
        for event in events
        if event.type == _TRANSFERRED or event.ticket_scanned.result in _LET_IN
    )
    return [NamedEvent(repeated_id(event_id), repeated_id(venue_id)) for event_id, venue_id in named]


async def record(conn: Connection, tenant_id: UUID, events: Sequence[Event]) -> Changes:
    """Keep the earliest admission of each ticket, and every transfer."""
    admissions = [
        _admission_of(event)
        for event in events
        if event.type == _SCANNED and event.ticket_scanned.result in _LET_IN
    ]
    transfers = [_transfer_of(event) for event in events if event.type == _TRANSFERRED]
    store = PurchaseStore(conn, tenant_id)
    await store.put_admissions(admissions)
    await store.put_transfers(transfers)
    sightings = [*_seen_at_gates(admissions), *_seen_passing(transfers)]
    await store.see(sightings)
    return Changes(venues={repeated_id(event.venue_id) for event in events})


def _admission_of(event: Event) -> Admission:
    scan = event.ticket_scanned
    return Admission(
        repeated_id(scan.ticket_id),
        repeated_id(event.venue_id),
        repeated_id(scan.event_id),
        optional_id(scan.order_id),
        optional_id(scan.customer_id),
        happened_at(event),
        repeated_id(event.event_id),
    )


def _transfer_of(event: Event) -> Transfer:
    passed = event.ticket_transferred
    return Transfer(
        repeated_id(event.event_id),
        repeated_id(passed.ticket_id),
        repeated_id(event.venue_id),
        repeated_id(passed.event_id),
        optional_id(passed.from_customer_id),
        optional_id(passed.to_customer_id),
        happened_at(event),
    )


def _seen_at_gates(admissions: Iterable[Admission]) -> Iterable[Sighting]:
    for one in admissions:
        if one.customer_id is not None:
            yield Sighting(one.venue_id, one.customer_id, one.admitted_at)


def _seen_passing(transfers: Iterable[Transfer]) -> Iterable[Sighting]:
    for one in transfers:
        for person in (one.from_customer_id, one.to_customer_id):
            if person is not None:
                yield Sighting(one.venue_id, person, one.transferred_at)
