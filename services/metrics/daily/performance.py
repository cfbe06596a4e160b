"""Use case: venues over time, from the daily tables."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.buckets import MAX_BUCKETS, Window
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.metrics.daily.days import start_of
from services.metrics.daily.performance_store import (
    ChosenVenue,
    PerformanceStore,
    PeriodShows,
    PeriodSum,
    ZoneSpan,
)
from services.metrics.daily.periods import Granularity, Period, count_periods, periods, span_of, too_wide
from services.metrics.sales.figures import RevenueFigures


@dataclass(slots=True)
class PeriodFigures:
    """One period of a venue: its counts over all currencies, and its money by currency."""

    period: Period
    order_count: int = 0
    ticket_count: int = 0
    refunded_ticket_count: int = 0
    scanned_count: int = 0
    visitor_count: int = 0
    show_count: int = 0
    figures: list[RevenueFigures] = field(default_factory=list)

    def add(self, part: PeriodSum) -> None:
        self.order_count += part.order_count
        self.ticket_count += part.ticket_count
        self.refunded_ticket_count += part.refunded_ticket_count
        self.scanned_count += part.scanned_count
        self.visitor_count += part.visitor_count
        figures = _figures([part])
        if part.currency and not figures.is_empty:
            self.figures.append(figures)


@dataclass(frozen=True, slots=True)
class VenueFigures:
    """One venue: every period of the window, and the money of all of them by currency."""

    venue: ChosenVenue
    periods: list[PeriodFigures]
    totals: list[RevenueFigures]


@dataclass(frozen=True, slots=True)
class Performance:
    """Venues by name, and the time of the newest fact behind them."""

    venues: list[VenueFigures]
    as_of: datetime | None


class VenuePerformance:
    """Venues of tenants over time; the cost grows with the periods answered, not with the facts in them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(
        self, scope: TenantScope, window: Window, granularity: Granularity, venue_id: UUID | None
    ) -> Performance:
        """Figures of the local days that begin within the window.

        Args:
            scope: Tenant and venue grant.
            window: Half-open.
            granularity: Length of the periods.
            venue_id: Only this venue, or None for all that the scope sees.

        Raises:
            WindowTooWide: More periods than one answer holds.
        """
        async with self._database.transaction(scope) as conn:
            store = PerformanceStore(conn, scope.tenant_id)
            spans = {name: _span(window, name) for name in await store.zones(venue_id)}
            venues = await store.chosen(venue_id, spans, limit=MAX_BUCKETS + 1)
            total = sum(count_periods(spans[venue.time_zone].days, granularity) for venue in venues)
            if total > MAX_BUCKETS:
                raise too_wide(total)
            wanted = [
                period
                for venue in venues
                for period in periods(
                    venue.venue_id, spans[venue.time_zone].days, granularity, ZoneInfo(venue.time_zone)
                )
            ]
            sums, shows = await store.sums(wanted), await store.shows(wanted)
        moments = [*(part.newest_fact_at for part in sums), *(part.newest_fact_at for part in shows)]
        return Performance(
            _by_venue(venues, wanted, sums, shows),
            max((moment for moment in moments if moment is not None), default=None),
        )


def _span(window: Window, time_zone: str) -> ZoneSpan:
    clock = ZoneInfo(time_zone)
    days = span_of(window.start, window.end, clock)
    return ZoneSpan(days, start_of(days.first, clock), start_of(days.end, clock))


def _by_venue(
    venues: Sequence[ChosenVenue],
    wanted: Sequence[Period],
    sums: Sequence[PeriodSum],
    shows: Sequence[PeriodShows],
) -> list[VenueFigures]:
    figures = [PeriodFigures(period) for period in wanted]
    money: dict[UUID, dict[str, list[PeriodSum]]] = defaultdict(lambda: defaultdict(list))
    for part in sums:
        figures[part.number].add(part)
        if part.currency:
            money[wanted[part.number].venue_id][part.currency].append(part)
    for show in shows:
        figures[show.number].show_count = show.show_count
    own: dict[UUID, list[PeriodFigures]] = defaultdict(list)
    for one in figures:
        own[one.period.venue_id].append(one)
    return [VenueFigures(venue, own[venue.venue_id], _totals(money[venue.venue_id])) for venue in venues]


def _totals(money: dict[str, list[PeriodSum]]) -> list[RevenueFigures]:
    totals = (_figures(parts) for _, parts in sorted(money.items()))
    return [figures for figures in totals if not figures.is_empty]


def _figures(parts: Sequence[PeriodSum]) -> RevenueFigures:
    return RevenueFigures(
        currency=parts[0].currency,
        order_count=sum(part.order_count for part in parts),
        ticket_count=sum(part.ticket_count for part in parts),
        gross_minor=sum(part.gross_minor for part in parts),
        refund_minor=sum(part.refund_minor for part in parts),
        fee_minor=sum(part.fee_minor for part in parts),
    )
