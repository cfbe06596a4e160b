"""Sales as values of live metrics: one value an order and venue."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from libs.common.buckets import microseconds
from libs.common.orders.books import BookLine
from services.metrics.live.keys import LiveKey
from services.metrics.live.values import LiveValue

ORDERS_COMPLETED: Final = "orders_completed"
TICKETS_SOLD: Final = "tickets_sold"
GROSS_REVENUE: Final = "gross_revenue"


def live_values(lines: Sequence[BookLine]) -> list[LiveValue]:
    """What one order, by its book lines, counts towards the live metrics of its venue."""
    of_venue: dict[tuple[UUID, str], list[BookLine]] = defaultdict(list)
    for line in lines:
        of_venue[line.venue_id, line.currency].append(line)
    values: list[LiveValue] = []
    for (venue_id, currency), sold in of_venue.items():
        at = microseconds(sold[0].sold_at)
        orders, tickets = sum(line.order_count for line in sold), sum(line.ticket_count for line in sold)
        gross = sum(line.gross_minor for line in sold)
        values.append(LiveValue(LiveKey(venue_id, ORDERS_COMPLETED), at, float(orders)))
        values.append(LiveValue(LiveKey(venue_id, TICKETS_SOLD), at, float(tickets)))
        values.append(LiveValue(LiveKey(venue_id, GROSS_REVENUE, currency), at, float(gross)))
    return values
