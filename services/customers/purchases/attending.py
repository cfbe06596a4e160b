"""The attendance's part in a batch of platform events: who came, and who passed a ticket on."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.revision import happened_at, optional_id, repeated_id
from libs.common.catalog.statements import NamedEvent
from libs.common.postgres.database import Connection
from services.customers.changes import Changes
from services.customers.people.sightings import Sighting
from services.customers.purchases.store import Admission, PurchaseStore, Transfer

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


def sightings(events: Iterable[Event]) -> Iterable[Sighting]:
    """Who came in, and who gave or got a ticket."""
    for event in events:
        for customer_id in _people_of(event):
            if customer_id:
                yield Sighting(repeated_id(event.venue_id), repeated_id(customer_id), happened_at(event))


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
    return Changes(venues={repeated_id(event.venue_id) for event in events})


def _people_of(event: Event) -> tuple[str, ...]:
    if event.type == _TRANSFERRED:
        return event.ticket_transferred.from_customer_id, event.ticket_transferred.to_customer_id
    return (event.ticket_scanned.customer_id,) if event.ticket_scanned.result in _LET_IN else ()


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
