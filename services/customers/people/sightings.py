"""Who has dealt with which venue, as facts about something else name them."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.postgres.database import Connection
from services.customers.people.store import PeopleStore


class Sighting(NamedTuple):
    """A person who dealt with a venue at a time."""

    venue_id: UUID
    customer_id: UUID
    at: datetime


async def record_sightings(
    conn: Connection, tenant_id: UUID, sightings: Iterable[Sighting], described: Iterable[UUID]
) -> None:
    """Remember who has dealt with which venue, and make the people nobody told about yet.

    What is remembered only grows: whoever once ordered at a venue has dealt with it, also when the order is
    cancelled, or restated for somebody else. So it does not depend on which statement arrived first.

    Args:
        conn: The tenant's open transaction, which has not written people before.
        tenant_id: The tenant.
        sightings: What all facts of a batch tell.
        described: Everyone whose own data the batch states: rows of people are made in one go and one order,
            so that no two transactions wait for each other in a ring.
    """
    seen: dict[tuple[UUID, UUID], tuple[datetime, datetime]] = {}
    for venue_id, customer_id, at in sightings:
        pair = (venue_id, customer_id)
        first, last = seen.get(pair, (at, at))
        seen[pair] = (min(first, at), max(last, at))
    store = PeopleStore(conn, tenant_id)
    await store.name({*described, *(customer_id for _, customer_id in seen)})
    await store.see([(*pair, *times) for pair, times in seen.items()])
