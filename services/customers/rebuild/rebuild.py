"""Use case: empty a tenant's read models and make them anew from its raw events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.consumer import in_transaction
from libs.common.bus.inbox import KEPT
from libs.common.bus.port import Delivery, Verdict
from libs.common.context import TenantScope
from libs.common.ids import repeated_id
from libs.common.postgres.database import Database
from services.customers.read_models.consumer import PREFETCH, QUEUE, TYPES, ReadModels
from services.customers.read_models.locks import lock_alone
from services.customers.rebuild import store
from services.customers.rebuild.source import RawEvents
from services.customers.rfm.schedule import ask_for_run

_RESUMABLE: Final = KEPT - timedelta(days=1)


class RebuildRefused(Exception):
    """The rebuild cannot be exact now; nothing was lost."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a rebuild has come.

    Attributes:
        read: Events read so far.
        total: Events there were when it began; None where a rebuild goes on after an interruption.
        refused: Reasons by id of events that were refused.
        vanished_count: Events applied before that no row stated, and that are not kept any more: profiles of
            people who were erased since.
    """

    read: int
    total: int | None
    refused: dict[str, str]
    vanished_count: int = 0


class Rebuild:
    """Makes read models anew; consumers go on meanwhile, and every event is applied once by one of them.

    Args:
        database: The app role's database, with a generous statement timeout: whole tables are emptied.
        raw_events: Where the events come from.
        models: Applies events.
        patience_seconds: How long the raw events may be behind the read models.
        now: The present instant.
    """

    def __init__(
        self,
        database: Database,
        raw_events: RawEvents,
        models: ReadModels,
        *,
        patience_seconds: float = 60.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._raw = raw_events
        self._handler = in_transaction(database, service="customers", queue=QUEUE, apply=models.apply)
        self._patience = patience_seconds
        self._now = now

    async def run(self, scope: TenantScope, *, beyond_retention: bool = False) -> AsyncGenerator[Step]:
        """Rebuild, or go on with a rebuild that was interrupted; call it acting as the tenant's service.

        Args:
            scope: The tenant.
            beyond_retention: Whether facts may be lost whose raw events are not kept any more.

        Raises:
            RebuildRefused: Raw events lack what a row of the read models states and `beyond_retention` is not
                set; or an event could not be applied now.
            DependencyUnavailable: The metrics service is not reachable.
        """
        token, total = await self._unfinished(scope), None
        if token is None:
            total = await self._require_complete(scope, beyond_retention=beyond_retention)
            await self._empty(scope, beyond_retention=beyond_retention)
        step, missing = Step(0, total, {}), store.Missing(0, 0)
        async for _ in self._tries():
            async with aclosing(self._raw.batches(scope.tenant_id, TYPES, token or "")) as batches:
                async for token, events in batches:
                    step = await self._take(scope, step, token, events)
                    yield step
            async with self._database.transaction(scope) as conn:
                missing = await store.select_unapplied(conn, scope.tenant_id, QUEUE)
            if not any(missing):
                break
        if missing.fact_count:
            raise RebuildRefused(
                f"{missing.fact_count:,} events are not among the raw events yet; run again to go on"
            )
        await self._finish(scope)
        yield replace(step, vanished_count=missing.other_count)

    async def _finish(self, scope: TenantScope) -> None:
        """From now on scores follow again; who waited meanwhile is scored by a run of its own."""
        now = self._now()
        async with self._database.transaction(scope) as conn:
            await store.finish(conn, scope.tenant_id, now)
            await ask_for_run(conn, scope.tenant_id, now, now)

    async def _take(self, scope: TenantScope, step: Step, token: str, events: Sequence[Event]) -> Step:
        refused = dict(step.refused)
        for start in range(0, len(events), PREFETCH):
            refused |= await self._applied(events[start : start + PREFETCH])
        async with self._database.transaction(scope) as conn:
            await store.advance(conn, scope.tenant_id, token)
        return replace(step, read=step.read + len(events), refused=refused)

    async def _applied(self, events: Sequence[Event]) -> dict[str, str]:
        """Apply raw events; returns the reason for each event that was refused."""
        settlements = await self._handler([Delivery(event, 1) for event in events])
        refused = {}
        for event, settlement in zip(events, settlements, strict=True):
            if settlement.verdict is Verdict.RETRY:
                raise RebuildRefused(
                    f"{event.type} {event.event_id} cannot be applied now, run again to go on:"
                    f" {settlement.reason}"
                )
            if settlement.verdict is Verdict.DEAD:
                refused[event.event_id] = settlement.reason
        return refused

    async def _unfinished(self, scope: TenantScope) -> str | None:
        """Where to go on with an interrupted rebuild whose applied events the inbox still remembers."""
        async with self._database.transaction(scope) as conn:
            return await store.select_unfinished(conn, scope.tenant_id, self._now() - _RESUMABLE)

    async def _require_complete(self, scope: TenantScope, *, beyond_retention: bool) -> int:
        """Look for every event behind the read models before anything is deleted; returns how many there are.

        Reads all raw events once without applying them: what has expired shows only by its absence.
        """
        async with self._database.transaction(scope) as conn:
            await store.expect(conn, scope.tenant_id, QUEUE, facts=not beyond_retention)
        count, token, missing = 0, "", store.Missing(0, 0)
        async for _ in self._tries():
            async with aclosing(self._raw.batches(scope.tenant_id, TYPES, token)) as batches:
                async for after, events in batches:
                    token, count = after, count + len(events)
                    found = [repeated_id(event.event_id) for event in events]
                    async with self._database.transaction(scope) as conn:
                        await store.found(conn, scope.tenant_id, found)
            async with self._database.transaction(scope) as conn:
                missing = await store.select_missing(conn, scope.tenant_id)
            if not missing.fact_count:
                return count
        raise RebuildRefused(
            f"{missing.fact_count:,} events that the read models show are not among the raw events: they have"
            " expired, or are not kept yet"
        )

    async def _empty(self, scope: TenantScope, *, beyond_retention: bool) -> None:
        """Empty the read models while nobody writes them, and note what must turn up again."""
        async with self._database.transaction(scope) as conn:
            await lock_alone(conn, scope.tenant_id)
            await store.expect(conn, scope.tenant_id, QUEUE, facts=not beyond_retention)
            await store.empty(conn, scope.tenant_id, QUEUE)
            await store.begin(conn, scope.tenant_id, self._now())

    async def _tries(self) -> AsyncIterator[None]:
        """At once, then every second until the patience is over."""
        give_up_at = asyncio.get_running_loop().time() + self._patience
        yield
        while asyncio.get_running_loop().time() < give_up_at:
            await asyncio.sleep(1)
            yield
