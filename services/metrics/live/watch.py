"""One watched venue from the first message to the closing one."""

from collections.abc import AsyncGenerator, Iterable
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

from tickettoken.metrics.v1 import live_pb2

from libs.common.catalog.venues import Venues
from libs.common.context import Caller
from libs.common.moments import timestamp_of
from services.metrics.live.feed import FeedName, Feeds
from services.metrics.live.hub import LiveHub
from services.metrics.live.keys import LiveKey
from services.metrics.live.subscriber import MESSAGE_METRICS, Message, Subscriber
from services.metrics.live.venue_feed import VenueFeed


class VenueWatch:
    """The use case behind WatchVenueMetrics.

    Args:
        venues: Venues of every tenant.
        hub: Feeds of this process.
        feeds: Feeds in Redis.
        heartbeat_seconds: Silence after which a heartbeat is sent.
    """

    def __init__(self, venues: Venues, hub: LiveHub, feeds: Feeds, *, heartbeat_seconds: float) -> None:
        self._venues = venues
        self._hub = hub
        self._feeds = feeds
        self._heartbeat_seconds = heartbeat_seconds

    async def messages(
        self, caller: Caller, venue_id: UUID, metric_types: frozenset[str], resume_token: str
    ) -> AsyncGenerator[bytes, None]:
        """Snapshot (or what changed since the token), snapshot_complete, changes; the last word is a closing.

        Messages are serialised: a change is so once for all streams that it goes to.

        Raises:
            VenueNotFound: The caller has no such venue.
            ResumeTokenInvalid: The token belongs elsewhere.
            ResumeExpired: The feed no longer holds everything since the token.
            TooManySubscribers: The process serves as many streams as it may.
        """
        await self._venues.require(caller.scope, [venue_id])
        feed, subscriber = await self._hub.join(FeedName(caller.tenant_id, venue_id), metric_types)
        subscriber.keep_time(heartbeat_seconds=self._heartbeat_seconds, expires_at=caller.expires_at)
        try:
            keys = await self._changed_since(feed, subscriber, resume_token) if resume_token else None
            for part in _snapshot(feed, subscriber, keys):
                yield part.SerializeToString()
            while (message := await subscriber.next()) is not None:
                yield message
        finally:
            self._hub.leave(feed, subscriber)

    async def _changed_since(self, feed: VenueFeed, subscriber: Subscriber, token: str) -> set[LiveKey]:
        """What a resumed stream has to be told: what changed, and windows that have moved on."""
        point = feed.resume_point(token)
        if feed.is_behind(point):
            await self._hub.catch_up(feed, datetime.fromtimestamp(point.minute * 60, UTC))
        position = point.position
        if position < feed.complete_from:
            changed = await self._feeds.changed_between(feed.name, position, feed.complete_from)
        else:
            changed = set()
        if position > feed.position:
            subscriber.begin(token, position, told_to=position)
        else:
            subscriber.begin(feed.token, feed.position, told_to=position)
        changed |= feed.turned_since(point)
        return changed | {key for key, at in feed.changed_at.items() if at > position}


def _snapshot(feed: VenueFeed, subscriber: Subscriber, keys: set[LiveKey] | None) -> Iterable[Message]:
    """The venue's state in messages of bounded size, then the sign that it is complete, with the first token.

    A resumed stream gets `keys`, without a value in the last hour too: it may know them with values.
    """
    if keys is None:
        known = {key: one for key, one in feed.state.items() if one.windows[-1].count}
    else:
        known = {key: one for key, one in feed.state.items() if key in keys}
    metrics = [known[key] for key in sorted(known) if subscriber.wants(key)]
    newest = max((metric.updated_time.ToDatetime(UTC) for metric in metrics), default=None)
    rest = iter(metrics)
    while part := list(islice(rest, MESSAGE_METRICS)):
        yield Message(updates=part)
    yield subscriber.said(snapshot_complete=live_pb2.SnapshotComplete(as_of=timestamp_of(newest)))
