"""Use case: empty a tenant's read models and make them anew from its raw events."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from libs.common.bus.consumer import in_transaction
from libs.common.bus.inbox import KEPT
from libs.common.bus.port import Delivery, Verdict
from libs.common.context import TenantScope
from libs.common.mongo import Document
from libs.common.postgres.database import Database
from services.metrics.daily.locks import lock_alone
from services.metrics.daily.schedule import CHECK_ID
from services.metrics.raw_events.documents import event_of
from services.metrics.raw_events.store import Position, RawEventStore, Wanted
from services.metrics.read_models.consumer import QUEUE, TYPES, ReadModels
from services.metrics.rebuild import store

BATCH: Final = 500
_LOOKUP: Final = 1000
_RESUMABLE: Final = KEPT - timedelta(days=1)


class RebuildRefused(Exception):
    """The rebuild cannot be exact now; nothing was lost."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a rebuild has come: events read so far of all there are, and those that were refused."""

    read: int
    total: int
    refused: dict[str, str]


class Rebuild:
    """Makes read models anew; consumers go on meanwhile, and every event is applied once by one of them.

    Args:
        database: The app role's database, with a generous statement timeout: whole tables are emptied.
        raw_events: Where the events are kept.
        models: Applies events; its effects leave the live feeds alone, which have seen the events before.
        patience_seconds: How long the raw events may be behind the read models.
        now: The present instant.
    """

    def __init__(
        self,
        database: Database,
        raw_events: RawEventStore,
        models: ReadModels,
        *,
        patience_seconds: float = 60.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._raw = raw_events
        self._handler = in_transaction(database, service="metrics", queue=QUEUE, apply=models.apply)
        self._patience = patience_seconds
        self._now = now

    async def run(self, scope: TenantScope, *, beyond_retention: bool = False) -> AsyncIterator[Step]:
        """Rebuild, or go on with a rebuild that was interrupted; call it acting as the tenant's service.

        Args:
            scope: The tenant.
            beyond_retention: Whether facts that are older than raw events are kept may be lost.

        Raises:
            RebuildRefused: Raw events have begun to expire and `beyond_retention` is not set; or they do not
                have all events that were applied; or an event could not be applied now.
            DependencyUnavailable: MongoDB is not reachable.
        """
        progress = await self._unfinished(scope)
        if progress is None:
            await self._require_complete(beyond_retention=beyond_retention)
            progress = await self._empty(scope)
        wanted = Wanted(self._now(), TYPES)
        step = Step(0, await self._raw.count(wanted), {})
        async with aclosing(self._raw.batches(wanted, progress.position, BATCH)) as pages:
            async for page in pages:
                refused = step.refused | await self._applied(scope, page)
                position = Position(page[-1]["stored_at"], page[-1]["id"])
                async with self._database.transaction(scope) as conn:
                    await store.advance(conn, scope.tenant_id, position)
                step = Step(step.read + len(page), step.total, refused)
                yield step
        async with self._database.transaction(scope) as conn:
            await store.finish(conn, scope.tenant_id, self._now())

    async def _applied(self, scope: TenantScope, page: Sequence[Document]) -> dict[str, str]:
        """Apply a page of raw events; returns the reason for each event that was refused."""
        events = [event_of(document, scope.tenant_id) for document in page]
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

    async def _unfinished(self, scope: TenantScope) -> store.Progress | None:
        """An interrupted rebuild whose applied events the inbox still remembers."""
        async with self._database.transaction(scope) as conn:
            return await store.select_unfinished(conn, scope.tenant_id, self._now() - _RESUMABLE)

    async def _require_complete(self, *, beyond_retention: bool) -> None:
        oldest = await self._raw.oldest()
        kept_since = self._now() - self._raw.kept + timedelta(days=1)
        if oldest is not None and oldest < kept_since and not beyond_retention:
            raise RebuildRefused(
                f"raw events before {oldest.isoformat()} have expired: what only they told would be lost"
            )

    async def _empty(self, scope: TenantScope) -> store.Progress:
        """Empty the read models at a moment when every event they were made from is kept."""
        give_up_at = asyncio.get_running_loop().time() + self._patience
        while True:
            async with self._database.transaction(scope) as conn:
                await lock_alone(conn, scope.tenant_id, CHECK_ID)
                missing = await self._not_kept(await store.select_applied(conn, scope.tenant_id, QUEUE))
                if not missing:
                    await store.empty(conn, scope.tenant_id, QUEUE)
                    return await store.begin(conn, scope.tenant_id, self._now())
            if asyncio.get_running_loop().time() > give_up_at:
                raise RebuildRefused(
                    f"{missing:,} applied events are not among the raw events yet; run again when they are"
                )
            await asyncio.sleep(1)

    async def _not_kept(self, event_ids: list[UUID]) -> int:
        missing = 0
        for start in range(0, len(event_ids), _LOOKUP):
            asked = [str(event_id) for event_id in event_ids[start : start + _LOOKUP]]
            missing += len(asked) - len(await self._raw.known(asked))
        return missing
