"""Use case: days of a venue computed anew from the facts, as a change of its zone and the check need them."""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.postgres.database import Connection
from services.metrics.daily.days import after_month, edges_of
from services.metrics.daily.figures import VENUE_FIGURES, DayTotals, Row
from services.metrics.daily.reach import months_of
from services.metrics.daily.sources import Sources
from services.metrics.daily.store import DayStore
from services.metrics.daily.visitors import VisitorStore

VISIT_FIGURES: Final = ("page_view_count", "cart_count", "checkout_count", "visitor_count")


@dataclass(frozen=True, slots=True)
class Piece:
    """Days of a venue that are computed together: local dates from `first` up to, not including, `end`."""

    venue_id: UUID
    clock: ZoneInfo
    first: date
    end: date

    @classmethod
    def of_month(cls, venue_id: UUID, clock: ZoneInfo, month: date) -> "Piece":
        return cls(venue_id, clock, month, after_month(month))


@dataclass(slots=True)
class Computed:
    """What the rows of a piece must be.

    Visits are forgotten after their retention, while the days they made stay: from `visit_days` on they are
    computed anew (with `visit_edges`), before they are taken from the rows as they stand.
    """

    visit_days: list[date]
    visit_edges: list[datetime]
    totals: DayTotals = field(default_factory=DayTotals)


async def compute(conn: Connection, tenant_id: UUID, piece: Piece, standing: DayTotals) -> Computed:
    """The rows of a piece from the facts; `standing` are those that the tables hold."""
    sources = Sources(conn, tenant_id, piece.venue_id)
    days, edges = edges_of(piece.first, piece.end, piece.clock)
    forgotten = bisect_left(edges[:-1], await sources.visits_kept_since())
    computed = Computed(days[forgotten:], edges[forgotten:])
    await sources.add_lasting(computed.totals, days, edges)
    if computed.visit_days:
        await sources.add_visits(computed.totals, computed.visit_days, computed.visit_edges)
    _carry_over(standing, computed.totals, set(days[:forgotten]))
    return computed


async def rewrite(conn: Connection, tenant_id: UUID, piece: Piece) -> None:
    """Replace the rows of a piece by what its facts add up to.

    Args:
        conn: A transaction that holds the tenant's lock alone.
        tenant_id: The tenant.
        piece: What to replace.
    """
    store, visitors = DayStore(conn, tenant_id), VisitorStore(conn, tenant_id, piece.venue_id)
    standing = await store.read(piece.venue_id, piece.first, piece.end)
    computed = await compute(conn, tenant_id, piece, standing)
    await store.clear(piece.venue_id, piece.first, piece.end)
    if computed.visit_days:
        await store.clear_visitors(piece.venue_id, computed.visit_days[0], piece.end)
        await visitors.put(computed.visit_days, computed.visit_edges)
    await store.add(computed.totals)


async def rewrite_venue(conn: Connection, tenant_id: UUID, venue_id: UUID, clock: ZoneInfo) -> None:
    """Replace all rows of a venue by what its facts add up to in another zone, a month a step.

    Args:
        conn: A transaction that holds the tenant's lock alone.
        tenant_id: The tenant.
        venue_id: The venue.
        clock: Its zone from now on.
    """
    async for month in months_of(conn, tenant_id, venue_id, clock):
        await rewrite(conn, tenant_id, Piece.of_month(venue_id, clock, month))


def _carry_over(standing: DayTotals, totals: DayTotals, days: set[date]) -> None:
    for venue_day, row in standing.venues.items():
        if venue_day.day in days and any((figures := _visits(row)).values()):
            totals.add_venue(venue_day, figures, row.newest_fact_at)
    for event_day, row in standing.events.items():
        if event_day.day in days and any((figures := _visits(row)).values()):
            totals.add_event(event_day, figures, row.newest_fact_at)


def _visits(row: Row) -> dict[str, int]:
    named = dict(zip(VENUE_FIGURES, row.figures, strict=False))
    return {name: named[name] for name in VISIT_FIGURES if name in named}
