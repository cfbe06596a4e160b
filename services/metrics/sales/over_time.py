"""Use case: sales of a window in the buckets of a clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from libs.common.buckets import bucket_edges
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.metrics.errors import EventNotFound
from services.metrics.sales.figures import RevenueFigures, by_currency, newest_fact
from services.metrics.sales.questions import HistoryQuestion
from services.metrics.sales.reader import SalesFilter, SalesReader, SalesRow
from services.metrics.sales.shows_store import has_show


@dataclass(frozen=True, slots=True)
class Bucket:
    """Sales of one bucket; the counts are over all currencies."""

    start: datetime
    figures: tuple[RevenueFigures, ...]
    order_count: int
    ticket_count: int
    refunded_ticket_count: int


@dataclass(frozen=True, slots=True)
class SalesOverTime:
    """Every bucket of the window, empty ones included, and the whole of it."""

    buckets: tuple[Bucket, ...]
    totals: tuple[RevenueFigures, ...]
    as_of: datetime | None


class SalesHistory:
    """Sales of tenants over time."""

    def __init__(self, database: Database, sales: SalesReader) -> None:
        self._database = database
        self._sales = sales

    async def over_time(
        self, scope: TenantScope, question: HistoryQuestion, clock: ZoneInfo
    ) -> SalesOverTime:
        """Sales within the window: a bucket that its edge cuts holds only what lies inside.

        Raises:
            EventNotFound: The scope, or the venue, has no such show.
            WindowTooWide: Too many buckets.
        """
        window, venue_id, event_id = question.window, question.venue_id, question.event_id
        starts = bucket_edges(window, question.granularity, clock)[:-1]
        where = SalesFilter(
            venue_ids=() if venue_id is None else (venue_id,),
            event_ids=() if event_id is None else (event_id,),
        )
        async with self._database.transaction(scope) as conn:
            if event_id is not None and not await has_show(conn, scope.tenant_id, event_id, venue_id):
                raise EventNotFound("no such event", event_id=event_id)
            edges = [window.start, *starts[1:], window.end]
            rows = await self._sales.rows_in(conn, scope.tenant_id, edges, where=where)
        return SalesOverTime(_buckets(starts, rows), by_currency(rows), newest_fact(rows))


def _buckets(starts: Iterable[datetime], rows: Iterable[SalesRow]) -> tuple[Bucket, ...]:
    by_place: dict[int, list[SalesRow]] = {}
    for row in rows:
        by_place.setdefault(row.place, []).append(row)
    return tuple(_bucket(start, by_place.get(place, [])) for place, start in enumerate(starts))


def _bucket(start: datetime, rows: list[SalesRow]) -> Bucket:
    return Bucket(
        start=start,
        figures=by_currency(rows),
        order_count=sum(row.order_count for row in rows),
        ticket_count=sum(row.ticket_count for row in rows),
        refunded_ticket_count=sum(row.refunded_ticket_count for row in rows),
    )
