"""Counts the platform's own sales towards live metrics, in the transaction that books them."""

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import numpy as np

from libs.common.buckets import microseconds
from libs.common.postgres.database import Connection
from services.metrics.live import store
from services.metrics.live.keys import LiveKey
from services.metrics.live.publisher import LivePublisher
from services.metrics.orders.books import BookLine
from services.metrics.recording.rollups import MINUTE_US, rolled_up
from services.metrics.recording.slots import WriterSlots

ORDERS_COMPLETED: Final = "orders_completed"
TICKETS_SOLD: Final = "tickets_sold"
GROSS_REVENUE: Final = "gross_revenue"


class LiveSales:
    """Orders as live metrics: one value an order and venue.

    Args:
        publisher: Publishes after the commit.
        slots: Lends the writer's slot.
        lane: Which of the slots.
    """

    def __init__(self, publisher: LivePublisher, slots: WriterSlots, *, lane: int = 0) -> None:
        self._publisher = publisher
        self._slots = slots
        self._lane = lane

    async def add(
        self, conn: Connection, tenant_id: UUID, orders: Sequence[Sequence[BookLine]]
    ) -> list[LiveKey]:
        """Count orders towards the live minutes of their sales; returns the live metrics that changed.

        Args:
            conn: Transaction of the tenant; call it once in it, so that writers lock rows in one order.
            tenant_id: The tenant.
            orders: The book lines of each order.
        """
        oldest = time.time_ns() // 1000 // MINUTE_US * MINUTE_US - 60 * MINUTE_US
        values = [entry for lines in orders for entry in _values(lines) if entry[1] >= oldest]
        if not values:
            return []
        keys = sorted({key for key, _, _ in values})
        place = {key: at for at, key in enumerate(keys)}
        minutes = rolled_up(
            np.array([place[key] for key, _, _ in values], np.int64),
            np.array([at for _, at, _ in values], np.int64),
            np.array([value for _, _, value in values], np.float64),
            MINUTE_US,
        )
        await store.add_minutes(conn, tenant_id, self._slots.slot(self._lane), keys, minutes)
        return keys

    async def announce(self, tenant_id: UUID, keys: Sequence[LiveKey]) -> None:
        """Publish live metrics whose change has committed."""
        self._publisher.touch(tenant_id, keys)


def _values(lines: Sequence[BookLine]) -> list[tuple[LiveKey, int, float]]:
    """One order's values: live metric, microseconds since 1970, value."""
    of_venue: dict[tuple[UUID, str], list[BookLine]] = defaultdict(list)
    for line in lines:
        of_venue[line.venue_id, line.currency].append(line)
    values: list[tuple[LiveKey, int, float]] = []
    for (venue_id, currency), sold in of_venue.items():
        at = microseconds(sold[0].sold_at)
        values.append(
            (LiveKey(venue_id, ORDERS_COMPLETED), at, float(sum(line.order_count for line in sold)))
        )
        values.append((LiveKey(venue_id, TICKETS_SOLD), at, float(sum(line.ticket_count for line in sold))))
        values.append(
            (LiveKey(venue_id, GROSS_REVENUE, currency), at, float(sum(line.gross_minor for line in sold)))
        )
    return values
