"""SQL of the replicator, for the worker role: its position, and what lies beyond it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from libs.common.postgres.database import Connection

MOST_WAITING: Final = 100_000
"""Where counting what waits stops."""

# Grain: one stream. The holder's lease is prolonged; anybody takes over one that ended. A position ahead of
# the server's transactions comes from another server (a restored dump): the stream starts anew.
_LEASE = """
update replication_streams
   set holder = $2, leased_until = now() + $3::interval,
       epoch = case when replicated_before > pg_snapshot_xmax(pg_current_snapshot()) then '' else epoch end
 where stream = $1 and (holder = $2 or leased_until < now())
returning stream, epoch, covers_since, replicated_before, planned_before, batch_number, revision
"""
_RELEASE = "update replication_streams set holder = null, leased_until = 'epoch' where holder = $1"
_SELECT_STATE = """
select stream, epoch, covers_since, replicated_before, planned_before, batch_number, revision, waiting_rows,
       case when replicated_before > pg_snapshot_xmax(pg_current_snapshot()) then 'infinity'
            else extract(epoch from now() - level_at) end::double precision as behind_seconds
  from replication_streams
 where stream = $1
"""
# Between batches only. Without its epoch the replica is not read; if its mender dies, it is filled anew.
_TAKE_TO_MEND = """
update replication_streams
   set holder = $2, leased_until = now() + $3::interval, epoch = '', revision = revision + 1,
       batch_number = batch_number + 1, level_at = 'epoch'
 where stream = $1 and epoch = $4 and planned_before is null
returning stream, epoch, covers_since, replicated_before, planned_before, batch_number, revision
"""
_GIVE_BACK = """
update replication_streams
   set epoch = $3, holder = null, leased_until = 'epoch'
 where stream = $1 and holder = $2 and epoch = ''
"""
_BEGIN_EPOCH = """
update replication_streams
   set epoch = $3, covers_since = $4, replicated_before = '0', planned_before = null, batch_number = 0,
       revision = revision + 1, level_at = 'epoch', waiting_rows = 0
 where stream = $1 and holder = $2
"""
_PLAN = """
update replication_streams
   set planned_before = $3, batch_number = batch_number + 1
 where stream = $1 and holder = $2 and planned_before is null
returning batch_number
"""
_FINISH = """
update replication_streams
   set replicated_before = planned_before, planned_before = null
 where stream = $1 and epoch = $2 and batch_number = $3 and planned_before is not null
"""
_LEVEL = """
update replication_streams set level_at = now(), waiting_rows = $3 where stream = $1 and holder = $2
"""
_REVISE = """
update replication_streams
   set revision = revision + 1, batch_number = batch_number + 1, level_at = 'epoch'
 where stream = $1
"""
_COVER_FROM = """
update replication_streams set epoch = '', covers_since = $2, planned_before = null where stream = $1
"""

# Grain: one transaction. Index: the tail index, from the position on; at most the rows asked for are read. A
# transaction below the snapshot's xmin has ended, so nothing can appear below the end that is found here.
_RECORDED_END = """
select max(committed_in) as last
  from (select committed_in from analytics_metrics
         where committed_in >= $1 and committed_in < pg_snapshot_xmin(pg_current_snapshot())
         order by committed_in limit $2) as ahead
"""
_PLATFORM_END = """
select max(committed_in) as last
  from (select committed_in from platform_series
         where committed_in >= $1 and committed_in < pg_snapshot_xmin(pg_current_snapshot())
         order by committed_in limit $2) as ahead
"""
_RECORDED_WAITING = """
select count(*) from (select from analytics_metrics where committed_in >= $1 limit $2) as waiting
"""
_PLATFORM_WAITING = """
select count(*) from (select from platform_series where committed_in >= $1 limit $2) as waiting
"""

# Grain: one raw row of a batch. `ordinal` numbers the rows of one series and microsecond in the order of
# their transactions, over all batches: the same whenever it is asked, so that copying repeats. Index: the
# tail index for the batch, analytics_metrics_series_idx once an instant for its earlier rows. No join: its
# estimates are wrong while a partition is young, and the wrong join of a batch with itself takes minutes.
_RECORDED_ROWS = """
with batch as materialized (
    select tenant_id, series_id, metric_time, point_id, value, committed_in
      from analytics_metrics
     where committed_in >= $1 and committed_in < $2 and metric_time >= $3
), numbered as (
    select tenant_id, series_id, metric_time, value, committed_in,
           row_number() over (
               partition by tenant_id, series_id, metric_time order by committed_in, point_id) as place
      from batch
), counted as (
    select tenant_id, series_id, metric_time, value, committed_in, place,
           (select count(*)
              from analytics_metrics as one
             where numbered.place = 1
               and one.tenant_id = numbered.tenant_id and one.series_id = numbered.series_id
               and one.metric_time = numbered.metric_time and one.committed_in < $1) as earlier_count
      from numbered
)
select series_id,
       (extract(epoch from metric_time) * 1000000)::bigint as micros,
       value,
       committed_in,
       (place - 1 + max(earlier_count) over (partition by tenant_id, series_id, metric_time))::bigint
           as ordinal
  from counted
"""
# The same for one series and day, whatever was copied before.
_SERIES_ROWS = """
select series_id,
       (extract(epoch from metric_time) * 1000000)::bigint as micros,
       value,
       committed_in,
       (row_number() over (partition by metric_time order by committed_in, point_id) - 1)::bigint as ordinal
  from analytics_metrics
 where tenant_id = $1 and series_id = $2 and metric_time >= $3 and metric_time < $4 and committed_in < $5
"""
_SELECT_SERIES = """
select series_id, tenant_id, venue_id, metric_type from metric_series where series_id = any($1::bigint[])
"""

# Grain: one platform figure. Absolute values: the newest version of a row is the one that counts.
_PLATFORM_ROWS = """
select tenant_id, venue_id, event_id, figure, currency, value,
       (extract(epoch from bucket_start) * 1000000)::bigint as micros
  from platform_series
 where committed_in >= $1 and committed_in < $2
"""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a stream stands; transactions are numbers of type xid8."""

    stream: str
    epoch: str
    covers_since: datetime
    replicated_before: int
    planned_before: int | None
    batch_number: int
    revision: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a stream is behind: since when something has waited, and how much (counted to a limit)."""

    seconds: float
    waiting_rows: int


async def lease(conn: Connection, stream: str, holder: UUID, length: timedelta) -> Position | None:
    """The stream's position when the lease is, or becomes, the holder's; None while it is another's."""
    row = await conn.fetchrow(_LEASE, stream, holder, length)
    return None if row is None else _position(row)


async def release(conn: Connection, holder: UUID) -> None:
    await conn.execute(_RELEASE, holder)


async def select_position(conn: Connection, stream: str) -> tuple[Position, Lag]:
    row = await conn.fetchrow(_SELECT_STATE, stream)
    assert row is not None
    return _position(row), Lag(row["behind_seconds"], row["waiting_rows"])


async def take_to_mend(
    conn: Connection, stream: str, holder: UUID, epoch: str, length: timedelta
) -> Position | None:
    """The stream's position, with nobody else copying or reading; None while a batch is on its way."""
    row = await conn.fetchrow(_TAKE_TO_MEND, stream, holder, length, epoch)
    return None if row is None else _position(row)


async def give_back(conn: Connection, stream: str, holder: UUID, epoch: str) -> None:
    """Let others copy and read again."""
    await conn.execute(_GIVE_BACK, stream, holder, epoch)


async def begin_epoch(conn: Connection, stream: str, holder: UUID, epoch: str, since: datetime) -> None:
    """Start from the first row again."""
    await conn.execute(_BEGIN_EPOCH, stream, holder, epoch, since)


async def plan(conn: Connection, stream: str, holder: UUID, end: int) -> int | None:
    """Fix where the next batch ends; returns its number, None when the lease was lost."""
    number: int | None = await conn.fetchval(_PLAN, stream, holder, end)
    return number


async def finish(conn: Connection, position: Position) -> None:
    """Move past the planned batch; nothing happens when somebody else did."""
    await conn.execute(_FINISH, position.stream, position.epoch, position.batch_number)


async def level(conn: Connection, stream: str, holder: UUID, waiting_rows: int) -> None:
    """Remember that nothing but rows behind an open transaction was left now."""
    await conn.execute(_LEVEL, stream, holder, waiting_rows)


async def revise(conn: Connection, stream: str) -> None:
    """Announce that copied points are replaced: answers begun before it are not to be used."""
    await conn.execute(_REVISE, stream)


async def cover_from(conn: Connection, stream: str, since: datetime) -> None:
    """Let the next epoch begin, and cover rows from this time on."""
    await conn.execute(_COVER_FROM, stream, since)


async def recorded_end(conn: Connection, start: int, row_count: int) -> int | None:
    """Before which transaction a batch of about so many rows ends; None when there is none."""
    last: int | None = await conn.fetchval(_RECORDED_END, start, row_count)
    return None if last is None else last + 1


async def platform_end(conn: Connection, start: int, row_count: int) -> int | None:
    """As `recorded_end`, of platform figures."""
    last: int | None = await conn.fetchval(_PLATFORM_END, start, row_count)
    return None if last is None else last + 1


async def recorded_waiting(conn: Connection, start: int) -> int:
    count: int = await conn.fetchval(_RECORDED_WAITING, start, MOST_WAITING)
    return count


async def platform_waiting(conn: Connection, start: int) -> int:
    count: int = await conn.fetchval(_PLATFORM_WAITING, start, MOST_WAITING)
    return count


async def recorded_rows(conn: Connection, start: int, end: int, since: datetime) -> "list[asyncpg.Record]":
    """Raw rows of transactions from `start` up to, not including, `end`."""
    rows: list[asyncpg.Record] = await conn.fetch(_RECORDED_ROWS, start, end, since)
    return rows


async def series_rows(
    conn: Connection, tenant_id: UUID, series_id: int, window: tuple[datetime, datetime], end: int
) -> "list[asyncpg.Record]":
    """Raw rows of one series and window, of transactions before `end`."""
    rows: list[asyncpg.Record] = await conn.fetch(_SERIES_ROWS, tenant_id, series_id, *window, end)
    return rows


async def select_series(conn: Connection, series_ids: Sequence[int]) -> "list[asyncpg.Record]":
    rows: list[asyncpg.Record] = await conn.fetch(_SELECT_SERIES, series_ids)
    return rows


async def platform_rows(conn: Connection, start: int, end: int) -> "list[asyncpg.Record]":
    """Platform figures last changed by transactions from `start` up to, not including, `end`."""
    rows: list[asyncpg.Record] = await conn.fetch(_PLATFORM_ROWS, start, end)
    return rows


def _position(row: "asyncpg.Record") -> Position:
    return Position(
        row["stream"],
        row["epoch"],
        row["covers_since"],
        row["replicated_before"],
        row["planned_before"],
        row["batch_number"],
        row["revision"],
    )
