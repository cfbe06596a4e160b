"""Changes of the books as facts of the daily tables: the old lines taken out, the new ones put in."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from libs.common.orders.books import BookLine, Replaced
from services.metrics.daily.facts import DailyFact, quarter_of

_FIGURES: Final = (
    "order_count", "event_order_count", "ticket_count", "refunded_ticket_count", "gross_minor",
    "refund_minor", "fee_minor",
)  # fmt: skip


class _Place(NamedTuple):
    venue_id: UUID
    event_id: UUID | None
    at: datetime
    currency: str


def daily_facts(changes: Iterable[Replaced]) -> list[DailyFact]:
    """What replacing lines of orders by others adds to days, by quarter of an hour of the sale.

    What stays the same adds nothing.
    """
    places: dict[_Place, list[int]] = {}
    newest: dict[_Place, datetime] = {}
    for change in changes:
        for lines, sign in ((change.before, -1), (change.after, 1)):
            for line in lines:
                place = _Place(line.venue_id, line.event_id, quarter_of(line.sold_at), line.currency)
                sums = places.get(place)
                if sums is None:
                    sums = places[place] = [0] * len(_FIGURES)
                    newest[place] = change.newest_fact_at
                elif newest[place] < change.newest_fact_at:
                    newest[place] = change.newest_fact_at
                _add(sums, line, sign)
    return [
        DailyFact(*place, changed, newest[place])
        for place, sums in places.items()
        if (changed := {name: number for name, number in zip(_FIGURES, sums, strict=True) if number})
    ]


def _add(sums: list[int], line: BookLine, sign: int) -> None:
    sums[0] += sign * line.order_count
    sums[1] += sign * line.event_order_count
    sums[2] += sign * line.ticket_count
    sums[3] += sign * line.refunded_ticket_count
    sums[4] += sign * line.gross_minor
    sums[5] += sign * line.refund_minor
    sums[6] += sign * (line.fee_minor - line.refunded_fee_minor)
