"""What shows sold in a window, and their order by it; pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.metrics.sales.ranking import Ranked, ranked
from services.metrics.sales.rows import SalesRow
from services.metrics.sales.shows import Show


class OrderBy(StrEnum):
    """What shows are ranked by."""

    REVENUE = "revenue"
    TICKETS = "tickets"
    SELL_THROUGH = "sell_through"
    VELOCITY = "velocity"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a show beside its sales; `show` is None where it now is at a venue not granted."""

    show: Show | None
    sell_through: float | None
    tickets_per_day: float | None


@dataclass(frozen=True, slots=True)
class Sold:
    """Sales of one show in the window, one row a currency."""

    rows: list[SalesRow]

    @property
    def ticket_count(self) -> int:
        return sum(row.ticket_count - row.refunded_ticket_count for row in self.rows)


def sold_by_show(rows: Iterable[SalesRow]) -> dict[UUID, Sold]:
    """Sales of every show that has any left; sales without a show are nobody's."""
    shows: defaultdict[UUID, list[SalesRow]] = defaultdict(list)
    for row in rows:
        if row.event_id is not None and not row.is_empty:
            shows[row.event_id].append(row)
    return {event_id: Sold(own) for event_id, own in shows.items()}


def by_revenue(sold: Mapping[UUID, Sold], limit: int) -> list[tuple[str, Ranked]]:
    """Ranks within each currency, by currency."""
    nets: defaultdict[str, dict[UUID, float]] = defaultdict(dict)
    for event_id, own in sold.items():
        for row in own.rows:
            nets[row.currency][event_id] = row.net_minor
    return [(currency, entry) for currency in sorted(nets) for entry in ranked(nets[currency], limit)]


def by_tickets(sold: Mapping[UUID, Sold], limit: int) -> list[tuple[str, Ranked]]:
    """Ranks over all currencies."""
    counts = {event_id: own.ticket_count for event_id, own in sold.items()}
    return [("", entry) for entry in ranked(counts, limit)]


def by_standing(
    standings: Mapping[UUID, Standing], order_by: OrderBy, limit: int
) -> list[tuple[str, Ranked]]:
    """Ranks of the shows that have the figure."""
    by_sell_through = order_by is OrderBy.SELL_THROUGH
    figures = {
        event_id: figure
        for event_id, standing in standings.items()
        if (figure := standing.sell_through if by_sell_through else standing.tickets_per_day) is not None
    }
    return [("", entry) for entry in ranked(figures, limit)]
