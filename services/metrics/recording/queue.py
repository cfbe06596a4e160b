"""Group commit: calls gather in a bounded queue and are written together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
import structlog
from google.protobuf.message import Message

from libs.common.context import TenantScope
from libs.common.errors import AnalyticsError
from libs.common.postgres.database import Database, savepoint
from libs.common.tasks import essential
from services.metrics.errors import IngestQueueFull
from services.metrics.recording.group import Submission
from services.metrics.recording.writer import Written, write_calls
from services.metrics.writer_slots import WriterSlots

_OWN_TRANSACTION_ROWS: Final = 500  # a tenant with more rows in a batch does not make the small ones wait
_GATHER_SECONDS: Final = 0.001
_GATHER_SLICES: Final = 5
_RETRY_AFTER: Final = timedelta(milliseconds=500)

_BIND_TENANT = """
select set_config('app.current_tenant', $1, true), set_config('app.venue_grant', '*', true)
"""

_log = structlog.get_logger()

AfterCommit = Callable[[UUID, Written], Awaitable[None]]


class GroupCommit:
    """A queue of calls and the lanes that commit them.

    A lane takes everything that waits, up to a number of rows, and writes it: one transaction a tenant, one
    for all tenants with few rows. What arrives meanwhile is the next batch, so the group grows with the load
    and a lone call does not wait.

    Args:
        database: The service's database.
        slots: Lends each lane the slot of its rollup rows.
        lanes: Commits in progress at once.
        queue_rows: Rows that may wait.
        batch_rows: Rows that one batch holds at most, unless a single call has more.
        after_commit: Called with tenant and changes when they are durable, before the calls are answered.
    """

    def __init__(
        self,
        database: Database,
        slots: WriterSlots,
        *,
        lanes: int,
        queue_rows: int,
        batch_rows: int,
        after_commit: AfterCommit,
    ) -> None:
        self._database = database
        self._slots = slots
        self._lanes = lanes
        self._queue_rows = queue_rows
        self._batch_rows = batch_rows
        self._after_commit = after_commit
        self._waiting: deque[tuple[Submission, asyncio.Future[Message]]] = deque()
        self._waiting_rows = 0
        self._arrived = asyncio.Event()
        self._piled_up = asyncio.Event()
        self._drained = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    @property
    def waiting_rows(self) -> int:
        return self._waiting_rows

    async def submit(self, submission: Submission) -> Message:
        """The call's answer, once its rows are committed.

        Raises:
            IngestQueueFull: Too many rows wait already; nothing was stored.
            AnalyticsError: The idempotency key is in use, or the database refused.
        """
        weight = max(1, len(submission.rows))
        if self._stopping or self._waiting_rows + weight > self._queue_rows:
            raise IngestQueueFull(
                "more rows wait for their commit than this process holds", retry_after=_RETRY_AFTER
            )
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting.append((submission, answer))
        self._waiting_rows += weight
        self._arrived.set()
        if self._waiting_rows >= _OWN_TRANSACTION_ROWS:
            self._piled_up.set()
        return await answer

    async def submit_in_turn(self, submission: Submission) -> Message:
        """As `submit`, but waits for room where a call is refused: streams are slowed down by flow control.

        Raises:
            IngestQueueFull: The process stops.
            AnalyticsError: The database refused.
        """
        rows = min(max(1, len(submission.rows)), self._queue_rows)
        async with self._drained:
            await self._drained.wait_for(lambda: self._waiting_rows + rows <= self._queue_rows)
        return await self.submit(submission)  # nothing else runs between the wait and this

    def start(self) -> None:
        self._tasks = [essential(self._lane(lane), name=f"ingest-lane-{lane}") for lane in range(self._lanes)]

    async def stop(self) -> None:
        """Write what waits, then end; later submissions are refused."""
        self._stopping = True
        self._arrived.set()
        self._piled_up.set()
        await asyncio.gather(*self._tasks)

    async def _lane(self, lane: int) -> None:
        ready = self._piled_up if lane else self._arrived
        expected = 0
        while True:
            await ready.wait()
            await self._gather(expected)
            batch = self._take()
            expected = max(len(batch), expected // 2)
            if batch:
                await self._commit(batch, self._slots.slot(lane))
            async with self._drained:  # also when all that waited had given up: their room is free
                self._drained.notify_all()
            if self._stopping and not batch:
                return

    async def _gather(self, expected: int) -> None:
        """Give as many calls as came lately a few milliseconds to come again: many then share one commit.

        A caller that is alone is not made to wait, and neither are large calls.
        """
        for _ in range(_GATHER_SLICES):
            if (
                len(self._waiting) >= expected
                or self._waiting_rows >= _OWN_TRANSACTION_ROWS
                or self._stopping
            ):
                return
            await asyncio.sleep(_GATHER_SECONDS)

    def _take(self) -> list[tuple[Submission, asyncio.Future[Message]]]:
        """What waits, up to a batch; calls whose caller has gone are left out."""
        batch: list[tuple[Submission, asyncio.Future[Message]]] = []
        rows = 0
        while self._waiting and (not batch or rows + len(self._waiting[0][0].rows) <= self._batch_rows):
            entry = self._waiting.popleft()
            count = len(entry[0].rows)
            self._waiting_rows -= max(1, count)
            if not entry[1].done():
                batch.append(entry)
                rows += count
        if not self._stopping:
            if not self._waiting:
                self._arrived.clear()
            if self._waiting_rows < _OWN_TRANSACTION_ROWS:
                self._piled_up.clear()
        return batch

    async def _commit(self, batch: Sequence[tuple[Submission, asyncio.Future[Message]]], slot: int) -> None:
        answers = dict(batch)
        of_tenant: dict[UUID, list[Submission]] = {}
        for submission, _ in batch:
            of_tenant.setdefault(submission.tenant_id, []).append(submission)
        small: list[list[Submission]] = []
        for calls in of_tenant.values():
            if len(of_tenant) > 1 and sum(len(call.rows) for call in calls) < _OWN_TRANSACTION_ROWS:
                small.append(calls)
            else:
                await self._write_tenant(calls, slot, answers)
        if len(small) == 1:
            await self._write_tenant(small[0], slot, answers)
        elif small:
            small.sort(key=lambda calls: calls[0].tenant_id)  # all lanes lock tenants in one order
            await self._write_together(small, slot, answers)

    async def _write_together(
        self,
        tenants: Sequence[list[Submission]],
        slot: int,
        answers: dict[Submission, "asyncio.Future[Message]"],
    ) -> None:
        """One transaction for several tenants; a tenant that fails is written again by itself."""
        done: list[tuple[list[Submission], Written]] = []
        alone: list[list[Submission]] = []
        try:
            async with self._database.transaction(TenantScope(tenants[0][0].tenant_id)) as conn:
                for calls in tenants:
                    try:
                        async with savepoint(conn):
                            await conn.execute(_BIND_TENANT, str(calls[0].tenant_id))
                            done.append((calls, await write_calls(conn, calls, slot)))
                    except asyncpg.PostgresError as error:
                        _log.warning("tenant left the shared commit", error=type(error).__name__)
                        alone.append(calls)
        except Exception as error:  # noqa: BLE001 (no lane may die; the callers get the error)
            alone = self._given_up_or_alone(tenants, answers, error)
        else:
            for calls, written in done:
                await self._answer(calls, written, answers)
        for calls in alone:
            await self._write_tenant(calls, slot, answers)

    def _given_up_or_alone(
        self,
        tenants: Sequence[list[Submission]],
        answers: dict[Submission, "asyncio.Future[Message]"],
        error: Exception,
    ) -> list[list[Submission]]:
        """Who is written again after a shared commit failed: nobody while the database is away, else all."""
        if not (isinstance(error, AnalyticsError) and error.kind.is_transient):
            return list(tenants)
        for calls in tenants:
            self._fail(calls, answers, error)
        return []

    async def _write_tenant(
        self, calls: list[Submission], slot: int, answers: dict[Submission, "asyncio.Future[Message]"]
    ) -> None:
        """One transaction for one tenant; calls that fail together are written again one by one."""
        try:
            async with self._database.transaction(TenantScope(calls[0].tenant_id)) as conn:
                written = await write_calls(conn, calls, slot)
        except Exception as error:  # noqa: BLE001 (no lane may die; the callers get the error)
            if len(calls) == 1 or (isinstance(error, AnalyticsError) and error.kind.is_transient):
                self._fail(calls, answers, error)
                return
            for call in calls:
                await self._write_tenant([call], slot, answers)
        else:
            await self._answer(calls, written, answers)

    async def _answer(
        self,
        calls: Sequence[Submission],
        written: Written,
        answers: dict[Submission, "asyncio.Future[Message]"],
    ) -> None:
        try:
            await self._after_commit(calls[0].tenant_id, written)
        except Exception:  # noqa: BLE001 (the rows are durable whatever listeners do)
            _log.exception("a listener of commits failed")
        for submission, reply in written.replies.items():
            answer = answers[submission]
            if answer.done():
                continue
            if isinstance(reply, AnalyticsError):
                answer.set_exception(reply)
            else:
                answer.set_result(reply)

    def _fail(
        self,
        calls: Sequence[Submission],
        answers: dict[Submission, "asyncio.Future[Message]"],
        error: Exception,
    ) -> None:
        for call in calls:
            if not answers[call].done():
                answers[call].set_exception(error)
