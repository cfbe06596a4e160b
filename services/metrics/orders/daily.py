"""Changes of the books as facts of the daily tables: the old lines taken out, the new ones put in."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.metrics.daily.facts import DailyFact
from services.metrics.orders.books import BookLine, Replaced


class _Place(NamedTuple):
    venue_id: UUID
    event_id: UUID | None
    at: datetime
    currency: str


def daily_facts(changes: Iterable[Replaced]) -> list[DailyFact]:
    """What replacing lines of orders by others adds to days; what stays the same adds nothing."""
    places: dict[_Place, Counter[str]] = {}
    newest: dict[_Place, datetime] = {}
    for change in changes:
        for lines, sign in ((change.before, -1), (change.after, 1)):
            for line in lines:
                place = _Place(line.venue_id, line.event_id, line.sold_at, line.currency)
                _add(places.setdefault(place, Counter()), line, sign)
                newest[place] = max(newest.get(place, change.newest_fact_at), change.newest_fact_at)
    return [
        DailyFact(*place, changed, newest[place])
        for place, figures in places.items()
        if (changed := {name: number for name, number in figures.items() if number})
    ]


def _add(figures: Counter[str], line: BookLine, sign: int) -> None:
    figures["order_count"] += sign * line.order_count
    figures["event_order_count"] += sign * line.event_order_count
    figures["ticket_count"] += sign * line.ticket_count
    figures["refunded_ticket_count"] += sign * line.refunded_ticket_count
    figures["gross_minor"] += sign * line.gross_minor
    figures["refund_minor"] += sign * line.refund_minor
    figures["fee_minor"] += sign * (line.fee_minor - line.refunded_fee_minor)
