"""The search's part in a batch of platform events: words of people whose data they state."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from tickettoken.events.v1.customers_pb2 import CustomerRegistered, CustomerUpdated
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.revision import repeated_id
from libs.common.postgres.database import Connection
from services.customers.changes import Changes
from services.customers.people.search_store import replace_words, select_people
from services.customers.people.words import words_of_person

TYPES: Final = ("customer.registered", "customer.updated")


async def record(conn: Connection, tenant_id: UUID, events: Sequence[Event]) -> Changes:
    """Make people findable by what their rows say now, which these events were written to before."""
    people = {repeated_id(_payload(event).customer_id) for event in events}
    await rewrite_words(conn, tenant_id, sorted(people))
    return Changes()


async def rewrite_words(conn: Connection, tenant_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Bring the words of these people to what their rows say now: none where name and address are gone.

    Whatever arrives when, the words follow the row, so that they depend on no order of events.
    """
    people = await select_people(conn, tenant_id, customer_ids)
    words = {person: words_of_person(name, email) for person, (name, email) in people.items()}
    await replace_words(conn, tenant_id, words)


def _payload(event: Event) -> CustomerRegistered | CustomerUpdated:
    return event.customer_registered if event.type == "customer.registered" else event.customer_updated
