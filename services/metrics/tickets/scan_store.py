"""SQL of raw scans."""

from collections.abc import Collection
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.tickets.facts import Scan

# Grain: one scan that was not kept before. Index: scans_pkey, in whose order it writes. A month without a
# partition is past retention, or further ahead than clocks may be: its scans are left out, and so are never
# new, because without the row a repeat could not be told from its first.
_KEEP_NEW = """
insert into scans (tenant_id, scan_id, ticket_id, event_id, venue_id, gate, result, scanned_at)
select $1, scan_id, ticket_id, event_id, venue_id, gate, result, scanned_at
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::timestamptz[])
       as new (scan_id, ticket_id, event_id, venue_id, gate, result, scanned_at)
 where to_regclass('public.scans_p' || to_char(scanned_at at time zone 'UTC', 'YYYYMM')) is not null
 order by scan_id
on conflict do nothing
returning scan_id
"""


async def keep_new(conn: Connection, tenant_id: UUID, scans: Collection[Scan]) -> frozenset[UUID]:
    """Keep scans; returns the ids of those that were kept for the first time."""
    rows = await conn.fetch(_KEEP_NEW, tenant_id, *columns(scans, 7))
    return frozenset(row["scan_id"] for row in rows)
