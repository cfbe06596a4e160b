"""Finds commits whose process died before it published their change, and publishes it."""

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from libs.common.errors import AnalyticsError
from libs.common.postgres.database import Database
from libs.common.redis import FAILURES
from services.metrics.live import store
from services.metrics.live.feed import FeedName, Feeds
from services.metrics.live.keys import LiveKey
from services.metrics.live.publisher import LivePublisher

# updated_at is the start of a transaction, and no transaction of a writer lasts longer than a minute.
_LOOK_BACK: Final = timedelta(minutes=5)
_SETTLED_AFTER: Final = timedelta(seconds=1)

_log = structlog.get_logger()


class FeedRepair:
    """Compares committed with published versions every few seconds.

    Runs in every working process: a metric that is published twice changes nothing.

    Args:
        worker_database: Database of the worker role, which sees versions of all tenants but no values.
        feeds: The feeds.
        publisher: Publishes what was missed.
        every_seconds: Pause between rounds.
    """

    def __init__(
        self, worker_database: Database, feeds: Feeds, publisher: LivePublisher, *, every_seconds: float
    ) -> None:
        self._database = worker_database
        self._feeds = feeds
        self._publisher = publisher
        self._every = every_seconds

    async def run(self) -> None:
        """Repair until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.repair()
            except (AnalyticsError, *FAILURES) as error:
                _log.warning("feeds not compared", error=type(error).__name__)

    async def repair(self) -> int:
        """Publish what was missed.

        Returns:
            How many live metrics were behind.
        """
        async with self._database.infrastructure() as conn:
            recent = await store.select_recent_versions(conn, since=_LOOK_BACK, until=_SETTLED_AFTER)
        wanted: dict[FeedName, list[LiveKey]] = defaultdict(list)
        for one in recent:
            wanted[FeedName(one.tenant_id, one.key.venue_id)].append(one.key)
        if not wanted:
            return 0
        published = await self._feeds.published_versions(wanted)
        behind: dict[UUID, set[LiveKey]] = defaultdict(set)
        for one in recent:
            if published[one.key] < one.version:
                behind[one.tenant_id].add(one.key)
        for tenant_id, keys in behind.items():
            self._publisher.touch(tenant_id, keys)
        return sum(map(len, behind.values()))
