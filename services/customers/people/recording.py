"""The people's part in a batch of platform events: who they are."""

import json
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from tickettoken.events.v1.customers_pb2 import CustomerRegistered, CustomerUpdated
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.revision import Revision, repeated_id
from libs.common.moments import moment_of
from libs.common.postgres.database import Connection
from services.customers.changes import Changes
from services.customers.people.store import PeopleStore, PersonState

_REGISTERED: Final = "customer.registered"
TYPES: Final = (_REGISTERED, "customer.updated")


def described(events: Iterable[Event]) -> set[UUID]:
    """Whose own data events of `TYPES` state."""
    return {repeated_id(_payload(event).customer_id) for event in events}


async def record(conn: Connection, tenant_id: UUID, events: Sequence[Event]) -> Changes:
    """Keep the newest statement about each person; each has a row, which `record_sightings` made."""
    newest: dict[UUID, PersonState] = {}
    for state in map(_state_of, events):
        known = newest.get(state.customer_id)
        if known is None or known.revision < state.revision:
            newest[state.customer_id] = state
    store = PeopleStore(conn, tenant_id)
    await store.put(newest.values())
    return Changes(venues=await store.venues_of(newest), people=set(newest))


def _state_of(event: Event) -> PersonState:
    payload = _payload(event)
    profile = payload.profile
    return PersonState(
        customer_id=repeated_id(payload.customer_id),
        name=profile.name,
        email=profile.email,
        phone=profile.phone,
        city=profile.city,
        country=profile.country,
        marketing_consent=profile.marketing_consent if profile.HasField("marketing_consent") else None,
        registered_at=moment_of(profile.registered_at, "registeredAt")
        if profile.HasField("registered_at")
        else None,
        channel=profile.channel,
        tags=json.dumps(list(profile.tags)),
        revision=_revision_of(event),
    )


def _revision_of(event: Event) -> Revision:
    """Versions grow by kind of payload: a registration comes before every update, whatever its own is."""
    revision = Revision.of(event)
    return revision._replace(version=0) if event.type == _REGISTERED else revision


def _payload(event: Event) -> CustomerRegistered | CustomerUpdated:
    return event.customer_registered if event.type == _REGISTERED else event.customer_updated
