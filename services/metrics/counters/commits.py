"""Group commit of increments: what waits for one tenant is written together, so a hot counter stays fast."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextvars import Context
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from google.protobuf.message import Message

from libs.common.context import TenantScope
from libs.common.errors import AnalyticsError
from libs.common.postgres.database import Database
from services.metrics.counters.increments import Increment
from services.metrics.counters.writer import write_increments
from services.metrics.errors import IngestQueueFull

_RETRY_AFTER: Final = timedelta(milliseconds=500)

_log = structlog.get_logger()

_Waiting = tuple[Increment, "asyncio.Future[Message]"]


class CounterCommits:
    """Increments that wait, by tenant, and the tasks that commit them.

    A tenant has one transaction at a time: what arrives meanwhile is its next one. So a counter's row is
    locked once for all who add to it, and a crowd on one counter holds one connection of the pool.

    Args:
        database: The service's database.
        lanes: Tenants that commit at once.
        most_waiting: Increments that may wait, of all tenants.
        most_together: Increments of one transaction.
    """

    def __init__(
        self, database: Database, *, lanes: int = 2, most_waiting: int = 10_000, most_together: int = 500
    ) -> None:
        self._database = database
        self._lanes = asyncio.Semaphore(lanes)
        self._most_waiting = most_waiting
        self._most_together = most_together
        self._waiting: dict[UUID, deque[_Waiting]] = {}
        self._waiting_count = 0
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._stopping = False

    async def submit(self, increment: Increment) -> Message:
        """The call's answer, once its increment is committed.

        Raises:
            IngestQueueFull: Too many increments wait already; nothing was added.
            CounterOverflow: The sum would leave 32 bits; nothing was added.
            AnalyticsError: The idempotency key is in use, or the database refused.
        """
        if self._stopping or self._waiting_count >= self._most_waiting:
            raise IngestQueueFull(
                "more increments wait for their commit than this process holds", retry_after=_RETRY_AFTER
            )
        tenant_id = increment.tenant_id
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, deque()).append((increment, answer))
        self._waiting_count += 1
        if tenant_id not in self._tasks:
            # An empty context: the task works for many callers and inherits nothing of the first one.
            self._tasks[tenant_id] = asyncio.get_running_loop().create_task(
                self._commit_all(tenant_id), name="counter-commits", context=Context()
            )
        return await answer

    async def stop(self) -> None:
        """Write what waits, then end; later increments are refused."""
        self._stopping = True
        await asyncio.gather(*self._tasks.values())

    async def _commit_all(self, tenant_id: UUID) -> None:
        """Commit until nothing of the tenant waits."""
        while self._waiting[tenant_id]:
            async with self._lanes:
                await self._commit(tenant_id, self._take(tenant_id))
        del self._waiting[tenant_id], self._tasks[tenant_id]

    def _take(self, tenant_id: UUID) -> Sequence[_Waiting]:
        """What waits, up to a batch; calls whose caller has gone are left out."""
        waiting = self._waiting[tenant_id]
        taken = [waiting.popleft() for _ in range(min(len(waiting), self._most_together))]
        self._waiting_count -= len(taken)
        return [entry for entry in taken if not entry[1].done()]

    async def _commit(self, tenant_id: UUID, batch: Sequence[_Waiting]) -> None:
        if not batch:
            return
        try:
            async with self._database.transaction(TenantScope(tenant_id)) as conn:
                replies = await write_increments(conn, tenant_id, [increment for increment, _ in batch])
        except Exception as error:  # noqa: BLE001 (the task serves others, too; the callers get the error)
            if not isinstance(error, AnalyticsError):
                _log.exception("increments could not be committed")
            self._answer(batch, dict.fromkeys((increment for increment, _ in batch), error))
        else:
            self._answer(batch, replies)

    def _answer(self, batch: Sequence[_Waiting], replies: Mapping[Increment, Message | Exception]) -> None:
        for increment, answer in batch:
            reply = replies[increment]
            if answer.done():
                continue
            if isinstance(reply, Exception):
                answer.set_exception(reply)
            else:
                answer.set_result(reply)
