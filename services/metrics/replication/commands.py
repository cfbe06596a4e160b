"""Commands on the replica: `migrate-to-influx` fills and proves it, `reconcile` proves and mends it."""

import argparse
import asyncio
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Self

from tqdm import tqdm

from libs.common.errors import AnalyticsError
from libs.common.postgres.database import Database
from services.metrics.replication import store
from services.metrics.replication.influx import Influx
from services.metrics.replication.reconciliation import Reconciliation, days, months
from services.metrics.replication.store import Position
from services.metrics.replication.streams import RECORDED, Stream
from services.metrics.replication.tallies import Comparison, Difference, NothingCopied
from services.metrics.replication.work import replicator_of
from services.metrics.settings import MetricsSettings

_WATCH_SECONDS: Final = 0.5
_LINE_SECONDS: Final = 5.0
_LEVEL_SECONDS: Final = 5.0
_AHEAD: Final = timedelta(days=1)

# Grain: one stream; counted to the end, for the length of a progress bar.
_COUNT_RECORDED = "select count(*) from analytics_metrics where committed_in >= $1"
_COUNT_PLATFORM = "select count(*) from platform_series where committed_in >= $1"

_say = partial(print, flush=True)


class ReplicaTools:
    """What the commands work with."""

    def __init__(self, settings: MetricsSettings, url: str) -> None:
        token = settings.influx_token
        self.database = Database.connect(
            settings.worker_database_url.get_secret_value(),
            application_name="metrics-replica",
            pool_size=2,
            statement_timeout_seconds=600,
        )
        self.influx = Influx(
            url,
            token=None if token is None else token.get_secret_value(),
            org=settings.influx_org,
            read_seconds=settings.influx_read_timeout_seconds,
        )
        self.replicator = replicator_of(self.database, self.influx, settings)
        self.reconciliation = Reconciliation(self.database, self.influx)

    async def position(self, stream: str) -> tuple[Position, store.Lag]:
        async with self.database.infrastructure() as conn:
            return await store.select_position(conn, stream)

    async def remaining(self, stream: str) -> int:
        """Rows that are not copied yet."""
        position, _ = await self.position(stream)
        async with self.database.infrastructure() as conn:
            statement = _COUNT_RECORDED if stream == RECORDED else _COUNT_PLATFORM
            count: int = await conn.fetchval(statement, position.replicated_before)
        return count

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.influx.close()
        await self.database.close()


class Progress:
    """A bar on a terminal, a line every few seconds elsewhere."""

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total, self._done = name, total, 0
        self._said_at = time.monotonic()
        self._bar: Any = tqdm(total=total, desc=name, unit="row", disable=not sys.stderr.isatty())

    def move(self, done: int) -> None:
        """Show how many rows are done in all."""
        self._bar.update(max(0, done - self._done))
        self._done = max(done, self._done)
        if self._bar.disable and time.monotonic() - self._said_at >= _LINE_SECONDS:
            self._said_at = time.monotonic()
            _say(f"{self._name}: {self._done} of {self._total} rows")

    def close(self) -> None:
        self._bar.close()
        _say(f"{self._name}: {self._done} rows copied")


async def run(settings: MetricsSettings, arguments: argparse.Namespace) -> int:
    """Carry out a command; returns the exit code: 0 when both sides agree, 1 when they differ."""
    if not settings.influx_url:
        sys.stderr.write("METRICS_INFLUX_URL is not set: there is no replica\n")
        return 2
    async with AsyncExitStack() as stack:
        tools = await stack.enter_async_context(ReplicaTools(settings, settings.influx_url))
        try:
            if arguments.command == "migrate-to-influx":
                return await migrate(tools, arguments.since)
            return await reconcile(tools, arguments.since, repairs=arguments.repair)
        except NothingCopied:
            sys.stderr.write("nothing was copied yet: run migrate-to-influx, or the working service\n")
        except AnalyticsError as error:
            sys.stderr.write(f"{error.message}; run the command again, it continues where it was\n")
    return 2


async def migrate(tools: ReplicaTools, since: datetime | None) -> int:
    """Copy until the replica is level, then compare it by series and month."""
    await _cover_from(tools, since)
    for stream in tools.replicator.streams:
        await _fill(tools, stream)
    await tools.replicator.release()
    oldest = await tools.reconciliation.oldest()
    if oldest is None:
        _say("nothing is stored, so there is nothing to compare")
        return 0
    count = 0
    async for window, comparison in tools.reconciliation.compare(months(oldest, datetime.now(UTC) + _AHEAD)):
        _report(f"{window.start:%Y-%m}", comparison)
        count += len(comparison.differences)
    return 1 if count else 0


async def reconcile(tools: ReplicaTools, since: datetime | None, *, repairs: bool) -> int:
    """Compare by series and day; mend what differs, if asked to, and compare that again."""
    since = since or await tools.reconciliation.oldest() or datetime.now(UTC)
    count = 0
    async for window, comparison in tools.reconciliation.compare(days(since, datetime.now(UTC) + _AHEAD)):
        if comparison.differences:
            _report(f"{window.start:%Y-%m-%d}", comparison)
        left = comparison.differences
        if left and repairs:
            await tools.reconciliation.mend(comparison)
            again = [one async for _, one in tools.reconciliation.compare(iter([window]))]
            left = again[0].differences
            _say(f"{window.start:%Y-%m-%d}: rewritten, {len(left)} differences left")
        count += len(left)
    _say(f"{count} differences")
    return 1 if count else 0


async def _cover_from(tools: ReplicaTools, since: datetime | None) -> None:
    """Begin at `since` where nothing was copied, or fill anew where copying began later than that."""
    if since is None:
        return
    position, _ = await tools.position(RECORDED)
    if not position.epoch or since < position.covers_since:
        async with tools.database.infrastructure() as conn:
            await store.cover_from(conn, RECORDED, since)


async def _fill(tools: ReplicaTools, stream: Stream) -> None:
    """Copy batch by batch, or watch the process that holds the lease do it."""
    progress: Progress | None = None
    done = 0
    while True:
        step = await tools.replicator.step(stream)
        if progress is None:
            progress = Progress(stream.name, step.row_count + await tools.remaining(stream.name))
        if step.is_holder:
            done += step.row_count
            progress.move(done)
        if step.is_level or (not step.is_holder and await _is_level(tools, stream)):
            break
        if not step.is_holder:
            await asyncio.sleep(_WATCH_SECONDS)
    progress.close()


async def _is_level(tools: ReplicaTools, stream: Stream) -> bool:
    position, lag = await tools.position(stream.name)
    return bool(position.epoch) and lag.seconds <= _LEVEL_SECONDS


def _report(name: str, comparison: Comparison) -> None:
    verdict = f"{len(comparison.differences)} differences" if comparison.differences else "equal"
    _say(f"{name}: {comparison.series_count} series, {comparison.row_count} rows, {verdict}")
    for difference in comparison.differences:
        _say(f"  {_named(difference)}")


def _named(difference: Difference) -> str:
    stored, copied = difference.stored, difference.copied
    series = difference.series if isinstance(difference.series, int) else " ".join(difference.series)
    return (
        f"{difference.measurement} series {series}:"
        f" stored {stored.point_count} (sum {stored.total:g}),"
        f" copied {copied.point_count} (sum {copied.total:g})"
    )
