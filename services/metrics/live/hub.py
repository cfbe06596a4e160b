"""The feeds of every venue that somebody watches through this process."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import structlog
from tickettoken.metrics.v1 import live_pb2

from libs.common.context import TenantScope
from libs.common.errors import AnalyticsError, DependencyUnavailable
from libs.common.postgres.database import Database
from libs.common.redis import FAILURES
from libs.common.tasks import ended, essential
from services.metrics.errors import TooManySubscribers
from services.metrics.live import store
from services.metrics.live.feed import FeedName, Feeds, ResumeTokens, StreamId
from services.metrics.live.subscriber import Subscriber
from services.metrics.live.venue_feed import VenueFeed, minute_of
from services.metrics.live.windows import LiveState

_BLOCK_SECONDS: Final = 0.25  # how long a venue that is new here may wait for its first change
_EPOCH_CHECK_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 1.0
_TICK_SECONDS: Final = 0.25  # a stream has a second for its closing words once its token has expired

_log = structlog.get_logger()


class LiveHub:
    """Follows watched venues: one read of Redis for all of them, one state a venue, any number of streams.

    Args:
        database: The service's database.
        feeds: The feeds.
        tokens: Makes and reads resume tokens.
        slow_reader_seconds: Time a change may wait for its reader.
        most_subscribers: Streams this process serves.
    """

    def __init__(
        self,
        database: Database,
        feeds: Feeds,
        tokens: ResumeTokens,
        *,
        slow_reader_seconds: float,
        most_subscribers: int,
    ) -> None:
        self._database = database
        self._feeds = feeds
        self._tokens = tokens
        self._slow_reader_seconds = slow_reader_seconds
        self._most = most_subscribers
        self._watched: dict[FeedName, VenueFeed] = {}
        self._loading: dict[FeedName, asyncio.Task[VenueFeed]] = {}
        self._some_watched = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._count = 0
        self._closing = False

    def start(self) -> None:
        self._tasks = [
            essential(self._follow(), name="live-feeds"),
            essential(self._turn_minutes(), name="live-minutes"),
            essential(self._check_epochs(), name="live-epochs"),
            essential(self._keep_time(), name="live-time"),
        ]

    async def stop(self) -> None:
        """Say goodbye to every stream and stop following."""
        self.close_streams("SHUTTING_DOWN", "this replica stops; come back now, another one answers")
        await ended(*self._tasks)

    def close_streams(self, reason: str, message: str) -> None:
        """Send every stream its closing message; new ones get it at once."""
        self._closing = reason == "SHUTTING_DOWN"
        for feed in self._watched.values():
            for subscriber in feed.subscribers:
                subscriber.close(reason, message)

    async def join(self, name: FeedName, metric_types: frozenset[str]) -> tuple[VenueFeed, Subscriber]:
        """A venue's feed and a subscriber of it, which gets all changes from now on; `leave` must follow.

        Raises:
            TooManySubscribers: The process serves as many as it may.
            DependencyUnavailable: The feed cannot be followed now.
        """
        if self._count >= self._most:
            raise TooManySubscribers("this replica serves as many streams as it may", limit=self._most)
        self._count += 1
        try:
            feed = self._watched.get(name) or await self._loaded(name)
        except BaseException:
            self._count -= 1
            raise
        feed = self._watched.setdefault(name, feed)  # others who waited for it may have come and gone already
        self._some_watched.set()
        subscriber = Subscriber(
            metric_types, feed.token, feed.position, slow_reader_seconds=self._slow_reader_seconds
        )
        feed.subscribers.add(subscriber)
        if self._closing:
            subscriber.close("SHUTTING_DOWN", "this replica stops; come back now, another one answers")
        return feed, subscriber

    def leave(self, feed: VenueFeed, subscriber: Subscriber) -> None:
        """End a subscription; a venue that nobody watches is forgotten."""
        self._count -= 1
        feed.subscribers.discard(subscriber)
        if not feed.subscribers and self._watched.get(feed.name) is feed:
            del self._watched[feed.name]
            if not self._watched:
                self._some_watched.clear()

    async def _loaded(self, name: FeedName) -> VenueFeed:
        """The feed, loaded once for all who ask at the same time."""
        task = self._loading.get(name)
        if task is None:
            task = self._loading[name] = asyncio.create_task(self._load(name))
            task.add_done_callback(lambda _: self._loading.pop(name, None))
        return await asyncio.shield(task)

    async def _load(self, name: FeedName) -> VenueFeed:
        feed = VenueFeed(name, self._tokens)
        await self._restart(feed)
        self._watched[name] = feed
        self._some_watched.set()
        return feed

    async def _restart(self, feed: VenueFeed) -> None:
        """Position first, state second: what commits in between is in the state, or follows, or both."""
        try:
            feed.restart(await self._feeds.epoch(feed.name), await self._feeds.end(feed.name))
        except FAILURES as error:
            raise DependencyUnavailable("the feed is not reachable", dependency="redis") from error
        for one, states, minute in await self._states(feed.name.tenant_id, [feed], datetime.now(UTC)):
            one.load(states, minute)
        try:
            await self._feeds.publish({feed.name: list(feed.state.values())})
        except FAILURES as error:
            raise DependencyUnavailable("the feed is not reachable", dependency="redis") from error
        await self.catch_up(feed)

    async def catch_up(self, feed: VenueFeed, minute: datetime | None = None) -> None:
        """Take over all that the feed holds by now, and turn to a minute that another replica has reached.

        Raises:
            DependencyUnavailable: The feed cannot be read now.
        """
        try:
            end = await self._feeds.end(feed.name)
            while feed.position < end:
                positions = {feed.name.stream: feed.position}
                if not (read := await self._feeds.read(positions, block_seconds=_BLOCK_SECONDS)):
                    break
                await self._receive(feed, read[0][1])
        except FAILURES as error:
            raise DependencyUnavailable("the feed is not reachable", dependency="redis") from error
        if minute is not None and (feed.minute is None or feed.minute < minute):
            await self._turn(feed.name.tenant_id, [feed], minute)

    async def _receive(
        self, feed: VenueFeed, messages: Iterable[tuple[StreamId, live_pb2.WatchVenueMetricsResponse]]
    ) -> None:
        """Take over messages, each in the minute in which it was read: before it begins, windows move on."""
        for position, message in messages:
            minute = max(map(minute_of, message.updates), default=None)
            if minute is not None and feed.minute is not None and feed.minute < minute:
                with suppress(AnalyticsError):  # the next minute, or the next change, brings it
                    await self._turn(feed.name.tenant_id, [feed], minute)
            feed.receive(position, message.updates)

    async def _turn(self, tenant_id: UUID, feeds: Iterable[VenueFeed], at: datetime) -> None:
        for feed, states, minute in await self._states(tenant_id, feeds, at):
            feed.turn(states, minute)

    async def _states(
        self, tenant_id: UUID, feeds: Iterable[VenueFeed], now: datetime
    ) -> list[tuple[VenueFeed, list[LiveState], datetime]]:
        of_venue = {feed.name.venue_id: feed for feed in feeds}
        async with self._database.transaction(TenantScope(tenant_id)) as conn:
            states = await store.select_states(conn, tenant_id, of_venue, now, most=store.MOST_METRICS)
        of_feed = defaultdict(list)
        for state in states:
            of_feed[state.key.venue_id].append(state)
        minute = now.replace(second=0, microsecond=0)
        return [(feed, of_feed[venue_id], minute) for venue_id, feed in of_venue.items()]

    async def _follow(self) -> None:
        """Read new messages of all watched feeds; streams are closed when Redis cannot be read."""
        while True:
            await self._some_watched.wait()
            try:
                await self._read_once()
            except FAILURES as error:
                _log.warning("live feeds not readable", error=type(error).__name__)
                for feed in self._watched.values():
                    for subscriber in feed.subscribers:
                        subscriber.close(
                            "DEPENDENCY_UNAVAILABLE", "the feed is not reachable; come back later"
                        )
                self._watched.clear()
                self._some_watched.clear()
                await asyncio.sleep(_RETRY_SECONDS)

    async def _read_once(self) -> None:
        feeds = {name.stream: feed for name, feed in self._watched.items()}
        positions = {key: feed.position for key, feed in feeds.items()}
        for key, messages in await self._feeds.read(positions, block_seconds=_BLOCK_SECONDS):
            await self._receive(feeds[key], messages)

    async def _turn_minutes(self) -> None:
        """Move the windows of all watched venues on when a minute begins."""
        while True:
            now = datetime.now(UTC)
            await asyncio.sleep(60.05 - now.second - now.microsecond / 1e6)
            of_tenant: dict[UUID, list[VenueFeed]] = defaultdict(list)
            for feed in self._watched.values():
                of_tenant[feed.name.tenant_id].append(feed)
            for tenant_id, feeds in of_tenant.items():
                with suppress(AnalyticsError):  # the next minute, or the next change, brings it
                    await self._turn(tenant_id, feeds, datetime.now(UTC))

    async def _keep_time(self) -> None:
        """Heartbeats and expired tokens of all streams, by one timer."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            monotonic, clock = time.monotonic(), time.time()
            for feed in self._watched.values():
                for subscriber in feed.subscribers:
                    subscriber.tick(monotonic, clock)

    async def _check_epochs(self) -> None:
        """Start feeds anew that Redis has forgotten, and keep the epochs of watched ones alive."""
        while True:
            await asyncio.sleep(_EPOCH_CHECK_SECONDS)
            for feed in list(self._watched.values()):
                if not feed.subscribers:  # its only reader went while it was loading
                    self._watched.pop(feed.name, None)
                    continue
                with suppress(AnalyticsError, *FAILURES):  # `_follow` deals with a Redis that is down
                    if await self._feeds.epoch(feed.name) != feed.epoch:
                        await self._restart(feed)
