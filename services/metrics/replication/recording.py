"""What a batch of platform facts adds to the platform series, in the transaction of the facts."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.daily.facts import DailyFact
from services.metrics.replication.points import BUCKET_OF_FIGURE, NO_EVENT

_QUARTER: Final = timedelta(minutes=15)
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OF_MONEY: Final = frozenset(figure for figure in BUCKET_OF_FIGURE if figure.endswith("_minor"))

# Grain: one figure of a venue and show, 15 minutes. Index: the primary key. Sorted by it, so that
# transactions wait for each other in one order. The version of a row that counts names its transaction.
_ADD = """
insert into platform_series as kept
       (tenant_id, venue_id, bucket_start, event_id, figure, currency, value)
select $1, venue_id, bucket_start, event_id, figure, currency, value
  from unnest($2::uuid[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[], $7::bigint[])
       as new (venue_id, bucket_start, event_id, figure, currency, value)
 order by venue_id, bucket_start, event_id, figure, currency
on conflict (tenant_id, venue_id, bucket_start, event_id, figure, currency) do update
   set value = kept.value + excluded.value, committed_in = pg_current_xact_id()
"""


class SeriesKey(NamedTuple):
    """One point of a platform series."""

    venue_id: UUID
    bucket_start: datetime
    event_id: UUID
    figure: str
    currency: str


def added(facts: Iterable[DailyFact]) -> dict[SeriesKey, int]:
    """What facts add to each point; counts have no currency, sums of money have one."""
    sums: dict[SeriesKey, int] = {}
    for venue_id, event_id, at, fact_currency, figures, _ in facts:
        start = at - (at - _FIRST) % _QUARTER
        for figure, value in figures.items():
            if figure in BUCKET_OF_FIGURE:
                currency = fact_currency if figure in _OF_MONEY else ""
                key = SeriesKey(venue_id, start, event_id or NO_EVENT, figure, currency)
                sums[key] = sums.get(key, 0) + value
    return {key: value for key, value in sums.items() if value}


async def record(conn: Connection, tenant_id: UUID, facts: Iterable[DailyFact]) -> None:
    """Carry facts into the platform series.

    Args:
        conn: The transaction of the facts, bound to the tenant.
        tenant_id: The tenant.
        facts: Changes; sums of them commute.
    """
    if rows := added(facts):
        await conn.execute(_ADD, tenant_id, *map(list, zip(*rows, strict=True)), list(rows.values()))
