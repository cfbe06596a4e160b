"""SQL of counters."""

from collections.abc import Collection, Mapping
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.counters.increments import Counter, CounterKey

# Grain: one counter. Index: counters_pkey.
_READ = """
select value, updated_at
  from counters
 where tenant_id = $1 and venue_id = $2 and counter_type = $3
"""

# Grain: one counter. Index: counters_pkey. Locked in one order, so that replicas that add to the same
# counters wait for, and never against, each other.
_LOCK = """
select counters.venue_id, counters.counter_type, counters.value, counters.updated_at
  from unnest($2::uuid[], $3::text[]) as wanted (venue_id, counter_type)
  join counters on counters.tenant_id = $1 and counters.venue_id = wanted.venue_id
               and counters.counter_type = wanted.counter_type
 order by counters.venue_id, counters.counter_type
   for update of counters
"""

# Grain: one counter; only one that nobody has added to is made. The same transaction gives it its value and
# time, so nobody else sees it without. Sorted as above.
_MAKE = """
insert into counters (tenant_id, venue_id, counter_type, value)
select $1, venue_id, counter_type, 0
  from unnest($2::uuid[], $3::text[]) as new (venue_id, counter_type)
 order by venue_id, counter_type
on conflict (tenant_id, venue_id, counter_type) do nothing
"""

# Grain: one counter that this transaction has locked. Index: counters_pkey.
_SAVE = """
update counters
   set value = new.value, updated_at = new.updated_at
  from unnest($2::uuid[], $3::text[], $4::integer[], $5::timestamptz[])
       as new (venue_id, counter_type, value, updated_at)
 where counters.tenant_id = $1 and counters.venue_id = new.venue_id
   and counters.counter_type = new.counter_type
"""


async def read_counter(conn: Connection, tenant_id: UUID, key: CounterKey) -> Counter:
    """The counter as it is committed; one that nobody has added to stands at 0."""
    row = await conn.fetchrow(_READ, tenant_id, *key)
    return Counter() if row is None else Counter(row["value"], row["updated_at"])


async def lock_counters(
    conn: Connection, tenant_id: UUID, keys: Collection[CounterKey]
) -> dict[CounterKey, Counter]:
    """Those of the counters that exist, locked until the transaction ends."""
    rows = await conn.fetch(_LOCK, tenant_id, *columns(keys, 2))
    return {
        CounterKey(row["venue_id"], row["counter_type"]): Counter(row["value"], row["updated_at"])
        for row in rows
    }


async def make_counters(conn: Connection, tenant_id: UUID, keys: Collection[CounterKey]) -> None:
    """Make those of the counters that do not exist, at 0; `lock_counters` then finds them."""
    await conn.execute(_MAKE, tenant_id, *columns(keys, 2))


async def save_counters(conn: Connection, tenant_id: UUID, counters: Mapping[CounterKey, Counter]) -> None:
    """Write counters that this transaction has locked."""
    rows = [(*key, *counter) for key, counter in counters.items()]
    await conn.execute(_SAVE, tenant_id, *columns(rows, 4))
