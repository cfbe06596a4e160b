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

# One row an event and day in play. `fresh` looks all ids up in each day at once (a search of the array in the
# primary key: a join id by id takes two to five times as long when fourteen days are full); the insert waits
# for a concurrent claim of the same event and loses to it. Sorted, so that no two batches deadlock. The
# moment is the transaction's start unless one is given.
CLAIM = """
with days as materialized (
    select distinct date_trunc('day', moment, 'UTC') as day
    from (values (coalesce($4::timestamptz, now())),
                 (coalesce($4::timestamptz, now()) - interval '1 hour')) as m (moment)
),
fresh as materialized (
    select unnest($2::uuid[]) as event_id
    except
    select i.event_id
    from inbox as i
    where i.tenant_id = current_setting('app.current_tenant')::uuid and i.queue = $1
      and i.event_id = any($2::uuid[]) and i.day > coalesce($4::timestamptz, now()) - $3::interval
),
claimed as (
    insert into inbox (tenant_id, queue, event_id, day)
    select current_setting('app.current_tenant')::uuid, $1, fresh.event_id, days.day
    from fresh cross join days
    order by days.day, fresh.event_id
    on conflict do nothing
    returning event_id
)
select event_id from claimed group by event_id having count(*) = (select count(*) from days)
"""


async def claim(connection: Connection, queue: str, event_ids: Iterable[UUID]) -> set[UUID]:
    """The events that this queue has not applied yet; from now on, and once this transaction commits, it has.

    Args:
        connection: The tenant's transaction in which the events are applied.
        queue: The consuming queue; each queue applies every event once.
        event_ids: At most a batch of ids, in any order.
    """
    rows = await connection.fetch(CLAIM, queue, list(event_ids), KEPT, None)
    return {row["event_id"] for row in rows}
