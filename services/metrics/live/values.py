"""Counts platform facts towards live metrics, in the transaction that keeps them."""

import time
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import numpy as np

from libs.common.moments import FUTURE_TOLERANCE_US
from libs.common.postgres.database import Connection
from services.metrics.live.keys import LiveKey
from services.metrics.live.minutes import add_minutes
from services.metrics.live.publisher import LivePublisher
from services.metrics.rollups import MINUTE_US, rolled_up
from services.metrics.writer_slots import WriterSlots


class LiveValue(NamedTuple):
    """One value of a live metric; `at` is microseconds since 1970."""

    key: LiveKey
    at: int
    value: float


class LiveValues:
    """Platform facts as live metrics.

    Args:
        publisher: Publishes after the commit.
        slots: Lends the writer's slot.
        lane: Which of the slots.
    """

    def __init__(self, publisher: LivePublisher, slots: WriterSlots, *, lane: int = 0) -> None:
        self._publisher = publisher
        self._slots = slots
        self._lane = lane

    async def add(self, conn: Connection, tenant_id: UUID, values: Sequence[LiveValue]) -> list[LiveKey]:
        """Count values of the last hour towards the live minutes; returns the live metrics that changed.

        A fact that is dated further ahead than clocks may differ is not live.

        Args:
            conn: Transaction of the tenant; call it once in it, so that writers lock rows in one order.
            tenant_id: The tenant.
            values: Values of any age.
        """
        now = time.time_ns() // 1000
        oldest = now // MINUTE_US * MINUTE_US - 60 * MINUTE_US
        recent = [value for value in values if oldest <= value.at <= now + FUTURE_TOLERANCE_US]
        if not recent:
            return []
        keys = sorted({value.key for value in recent})
        place = {key: at for at, key in enumerate(keys)}
        minutes = rolled_up(
            np.array([place[value.key] for value in recent], np.int64),
            np.array([value.at for value in recent], np.int64),
            np.array([value.value for value in recent], np.float64),
            MINUTE_US,
        )
        await add_minutes(conn, tenant_id, self._slots.slot(self._lane), keys, minutes)
        return keys

    async def announce(self, tenant_id: UUID, keys: Sequence[LiveKey]) -> None:
        """Publish live metrics whose change has committed."""
        self._publisher.touch(tenant_id, keys)
