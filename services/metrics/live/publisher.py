"""Publishes changed live metrics after their commit, at most one message a venue and tick."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import structlog
from tickettoken.metrics.v1 import live_pb2

from libs.common.context import TenantScope
from libs.common.errors import AnalyticsError
from libs.common.postgres.database import Database
from libs.common.redis import FAILURES
from libs.common.tasks import essential
from services.metrics.live import store
from services.metrics.live.feed import FeedName, Feeds
from services.metrics.live.keys import LiveKey
from services.metrics.live.mapping import live_metric

_MAX_PENDING: Final = 100_000  # what is dropped above it is found again by the repair

_log = structlog.get_logger()


class LivePublisher:
    """Collects which live metrics changed and appends their present state to the feeds.

    The state is read from PostgreSQL after the commit, so it holds what every writer has added so far, and a
    later message never says less than an earlier one.

    Args:
        database: The service's database.
        feeds: The feeds.
        tick_seconds: Pause after each round; changes of a metric in it are sent once.
    """

    def __init__(self, database: Database, feeds: Feeds, *, tick_seconds: float) -> None:
        self._database = database
        self._feeds = feeds
        self._tick = tick_seconds
        self._pending: dict[UUID, set[LiveKey]] = defaultdict(set)
        self._pending_count = 0
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def touch(self, tenant_id: UUID, keys: Collection[LiveKey]) -> None:
        """Publish these metrics soon; call it after the commit."""
        if self._pending_count > _MAX_PENDING:
            return
        pending = self._pending[tenant_id]
        before = len(pending)
        pending.update(keys)
        self._pending_count += len(pending) - before
        self._changed.set()

    def start(self) -> None:
        self._task = essential(self._run(), name="live-publisher")

    async def stop(self) -> None:
        """Let the round in progress finish, publish what is pending, then end."""
        self._stopping = True
        self._changed.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        await self.publish_pending()

    async def publish_pending(self) -> None:
        """Publish what was touched; what could not be is kept for the next round."""
        pending, self._pending = self._pending, defaultdict(set)
        self._pending_count = 0
        for tenant_id, keys in pending.items():
            try:
                await self._publish(tenant_id, keys)
            except (AnalyticsError, *FAILURES) as error:
                _log.warning("live metrics not published, trying again", error=type(error).__name__)
                self.touch(tenant_id, keys)

    async def _run(self) -> None:
        while not self._stopping:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self.publish_pending()
            except Exception:  # noqa: BLE001 (the loop must outlive a bug; the repair brings what it missed)
                _log.exception("live metrics not published")
            await asyncio.sleep(self._tick)

    async def _publish(self, tenant_id: UUID, keys: Iterable[LiveKey]) -> None:
        wanted = set(keys)
        async with self._database.transaction(TenantScope(tenant_id)) as conn:
            states = await store.select_states(
                conn,
                tenant_id,
                {key.venue_id for key in wanted},
                datetime.now(UTC),
                {key.metric_type for key in wanted},
                most=None,
            )
        updates: dict[FeedName, list[live_pb2.LiveMetric]] = defaultdict(list)
        for state in states:
            if state.key in wanted:
                updates[FeedName(tenant_id, state.key.venue_id)].append(live_metric(state))
        if updates:
            await self._feeds.publish(updates)
