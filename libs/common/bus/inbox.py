"""Which events a queue's handler has already applied, kept in the transaction that applies them.

A row lies in the partition of the day it was claimed on, so two deliveries of one event on either side of
midnight would meet no common unique index. Therefore a claim in the first hour of a day is also written to
the day before: a transaction that began before midnight and is still open (none lives an hour) collides
there, and one that has committed is simply seen.
"""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from libs.common.postgres.database import Connection
from libs.common.postgres.maintenance import PartitionPlan
from libs.common.postgres.rls import partitioned_table

KEPT = timedelta(days=14)
INBOX_PARTITIONS = PartitionPlan("inbox", ahead=timedelta(days=7), keep=KEPT + timedelta(days=1))

INBOX_DDL: tuple[str, ...] = (
    """
    create table inbox (
        tenant_id uuid not null,
        queue text not null,
        event_id uuid not null,
        day timestamptz not null,
        primary key (tenant_id, queue, event_id, day)
    ) partition by range (day)
    """,
    *partitioned_table(
        "inbox", grain="day", since="now() - interval '1 day'", app="select, insert", worker=True
    ),
)

# One row an event and day in play. `fresh` reads the other days by primary key, partition by partition; the
# insert waits for a concurrent claim of the same event and loses to it. Sorted, so that no two batches
# deadlock.
CLAIM = """
with days as (
    select distinct date_trunc('day', moment, 'UTC') as day
    from (values ($4::timestamptz), ($4::timestamptz - interval '1 hour')) as m (moment)
),
fresh as (
    select c.event_id
    from (select distinct unnest($3::uuid[]) as event_id) as c
    where not exists (
        select from inbox as i
        where i.tenant_id = $1 and i.queue = $2 and i.event_id = c.event_id
          and i.day > $4::timestamptz - $5::interval
    )
),
claimed as (
    insert into inbox (tenant_id, queue, event_id, day)
    select $1, $2, fresh.event_id, days.day
    from fresh cross join days
    order by days.day, fresh.event_id
    on conflict do nothing
    returning event_id
)
select event_id from claimed group by event_id having count(*) = (select count(*) from days)
"""

_TRANSACTION_START = "select now(), current_setting('app.current_tenant')::uuid as tenant_id"


async def claim(connection: Connection, queue: str, event_ids: Iterable[UUID]) -> set[UUID]:
    """The events that this queue has not applied yet; from now on, and once this transaction commits, it has.

    Args:
        connection: The tenant's transaction in which the events are applied.
        queue: The consuming queue; each queue applies every event once.
        event_ids: At most a batch of ids, in any order.
    """
    raw = connection
    started = await raw.fetchrow(_TRANSACTION_START)
    assert started is not None
    rows = await raw.fetch(CLAIM, started["tenant_id"], queue, list(event_ids), started["now"], KEPT)
    return {UUID(bytes=row["event_id"].bytes) for row in rows}
