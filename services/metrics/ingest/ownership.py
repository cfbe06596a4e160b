"""What events name beside their venue: orders, shows and ticket types, and whose these are."""

from collections.abc import Collection, Iterator
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.context import TenantScope
from libs.common.postgres.database import Connection

_NAMES: Final = ("order_id", "event_id", "ticket_type_id")

# Grain: one thing that a venue outside the grant has. Indexes: the primary keys. A refund tells the venue of
# an order whose sale has not come yet.
_OF_OTHER_VENUES = """
select order_id as id from orders
 where tenant_id = $1 and order_id = any($2::uuid[]) and venue_id <> all($3::uuid[])
 union
select order_id from refunds
 where tenant_id = $1 and order_id = any($2::uuid[]) and venue_id <> all($3::uuid[])
 union
select event_id from events
 where tenant_id = $1 and event_id = any($2::uuid[]) and venue_id <> all($3::uuid[])
 union
select ticket_type_id from ticket_types
 where tenant_id = $1 and ticket_type_id = any($2::uuid[]) and venue_id <> all($3::uuid[])
"""

# The grant hides what this question is about: it is lifted for the one statement, within the tenant.
_GRANT = "select current_setting('app.venue_grant')"
_SET_GRANT = "select set_config('app.venue_grant', $1, true)"


def things_named(event: Event) -> Iterator[UUID]:
    """The orders, shows and ticket types that an event's payload and its lines name."""
    kind = event.WhichOneof("payload")
    if kind is None:
        return
    payload = getattr(event, kind)
    for message in (payload, *getattr(payload, "lines", ())):
        for name in _NAMES:
            if text := getattr(message, name, ""):
                yield UUID(text)


async def of_other_venues(conn: Connection, scope: TenantScope, ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of the things that belong to a venue outside the scope's grant; unknown things belong to nobody.

    Args:
        conn: The open transaction of this scope.
        scope: Tenant and venue grant.
        ids: Orders, shows and ticket types.
    """
    if scope.venue_ids is None or not ids:
        return frozenset()
    grant = await conn.fetchval(_GRANT)
    await conn.execute(_SET_GRANT, "*")
    rows = await conn.fetch(_OF_OTHER_VENUES, scope.tenant_id, list(ids), list(scope.venue_ids))
    await conn.execute(_SET_GRANT, grant)
    return frozenset(row["id"] for row in rows)
