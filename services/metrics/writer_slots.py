"""Writer slots: the numbers that keep the rollup rows of concurrent writers apart."""

import asyncio
import os
from datetime import timedelta
from typing import Final
from uuid import uuid4

import structlog

from libs.common.errors import AnalyticsError
from libs.common.postgres.database import Database
from libs.common.tasks import ended, essential

SLOT_COUNT: Final = 256
_LEASE: Final = timedelta(seconds=60)
_RENEW_SECONDS: Final = 15.0

# Grain: one slot. The lowest free ones, so that few are ever in use and sums over slots stay short.
_TAKE = """
update writer_slots
   set holder = $1, leased_until = now() + $3::interval
 where writer_slot in (
       select writer_slot from writer_slots
        where leased_until < now()
        order by writer_slot
        limit $2
          for update skip locked)
returning writer_slot
"""
_RENEW = """
update writer_slots set leased_until = now() + $3::interval
 where holder = $1 and writer_slot = any($2::smallint[])
"""
_GIVE_BACK = """
update writer_slots set holder = null, leased_until = '-infinity' where holder = $1
"""

_log = structlog.get_logger()


class WriterSlots:
    """Leases one slot for each lane of this process.

    Slots are about speed: two writers that share one wait for each other's row locks but lose nothing. So a
    lease that cannot be had, or renewed, is made up for by a guess and no error.

    Args:
        worker_database: Database of the worker role.
        count: Lanes that need a slot.
    """

    def __init__(self, worker_database: Database, *, count: int) -> None:
        self._database = worker_database
        self._holder = uuid4()
        self._slots = [(os.getpid() + lane) % SLOT_COUNT for lane in range(count)]
        self._renewal: asyncio.Task[None] | None = None

    def slot(self, lane: int) -> int:
        return self._slots[lane]

    async def start(self) -> None:
        async with self._database.infrastructure() as conn:
            rows = await conn.fetch(_TAKE, self._holder, len(self._slots), _LEASE)
        for lane, row in enumerate(rows):
            self._slots[lane] = row["writer_slot"]
        self._renewal = essential(self._renew(), name="writer-slots")

    async def stop(self) -> None:
        """Give the slots back."""
        await ended(self._renewal)
        try:
            async with self._database.infrastructure() as conn:
                await conn.execute(_GIVE_BACK, self._holder)
        except (
            AnalyticsError
        ) as error:  # the lease ends by itself, and the rest of the process must still close
            _log.warning("writer slots not given back", reason=error.reason)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                async with self._database.infrastructure() as conn:
                    await conn.execute(_RENEW, self._holder, self._slots, _LEASE)
            except AnalyticsError as error:
                _log.warning("writer slots not renewed", reason=error.reason)
