"""One open stream: what it still has to be sent, conflated per key and bounded."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from tickettoken.metrics.v1 import live_pb2

from libs.common.moments import timestamp_of
from services.metrics.live.feed import StreamId
from services.metrics.live.keys import LiveKey

_MAX_SHARED: Final = (
    16  # changes that wait as they are, shared by all streams, before they are folded into one
)
MESSAGE_METRICS: Final = 200  # metrics in one message: clients refuse messages of several megabytes

Message = live_pb2.WatchVenueMetricsResponse


@dataclass(frozen=True, slots=True)
class Change:
    """Live metrics that changed at one position of the feed, and the messages all unfiltered readers share.

    `is_told` says that the feed told it at this position; the turn of a minute is told by nobody. `messages`
    are serialised; only the last has the token, so whoever missed it asks for all again.
    """

    token: str
    position: StreamId
    is_told: bool
    updates: Mapping[LiveKey, live_pb2.LiveMetric]
    messages: tuple[bytes, ...]

    @classmethod
    def of(
        cls, token: str, position: StreamId, updates: Mapping[LiveKey, live_pb2.LiveMetric], *, is_told: bool
    ) -> "Change":
        rest = iter(updates.values())
        parts = [
            Message(updates=islice(rest, MESSAGE_METRICS))
            for _ in range((len(updates) - 1) // MESSAGE_METRICS)
        ]
        parts.append(Message(resume_token=token, position=position.ordinal, updates=rest))
        return cls(token, position, is_told, updates, tuple(part.SerializeToString() for part in parts))


class Subscriber:
    """The pending changes of one stream.

    Args:
        metric_types: Metrics asked for; empty for all.
        token: Resume token of what the stream starts from.
        slow_reader_seconds: Time a change may wait before the stream is closed.
    """

    __slots__ = (
        "_changes",
        "_closing",
        "_expires_at",
        "_heartbeat_seconds",
        "_is_beat_due",
        "_is_over",
        "_metric_types",
        "_parts",
        "_said_at",
        "_sending",
        "_slow_seconds",
        "_told_to",
        "_waiter",
        "_waiting_since",
        "position",
        "token",
    )

    def __init__(
        self, metric_types: frozenset[str], token: str, position: StreamId, *, slow_reader_seconds: float
    ) -> None:
        self._metric_types = metric_types
        self.token = token
        self.position = position
        self._told_to = StreamId(0, 0)
        self._parts: deque[bytes] = deque()
        self._sending: Change | None = None
        self._slow_seconds = slow_reader_seconds
        self._changes: deque[Change] = deque()
        self._waiting_since = 0.0
        self._closing: live_pb2.Closing | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._said_at = time.monotonic()
        self._heartbeat_seconds = self._expires_at = float("inf")
        self._is_beat_due = self._is_over = False

    def keep_time(self, *, heartbeat_seconds: float, expires_at: datetime) -> None:
        """Send a heartbeat after that much silence, and a closing when the caller's token expires."""
        self._heartbeat_seconds = heartbeat_seconds
        self._expires_at = expires_at.timestamp()

    def tick(self, monotonic: float, clock: float) -> None:
        """Let time pass: the hub calls it for all streams, so that none needs a timer of its own."""
        if clock >= self._expires_at:
            self.close("TOKEN_EXPIRED", "the token has expired; come back with a new one")
        elif monotonic - self._said_at >= self._heartbeat_seconds:
            self._is_beat_due = True
            self._wake()

    def begin(self, token: str, position: StreamId, *, told_to: StreamId) -> None:
        """Start a resumed stream from the present state: what waits is in it, what it was told is no news.

        Args:
            token: Resume token of the state.
            position: Where the state is.
            told_to: Where the stream broke off; another replica may have been ahead of this one.
        """
        self._changes.clear()
        self.token, self.position, self._told_to = token, position, told_to

    def wants(self, key: LiveKey) -> bool:
        return not self._metric_types or key.metric_type in self._metric_types

    def offer(self, change: Change) -> None:
        """Queue a change; folds it into what waits already."""
        if self._closing is not None or (change.is_told and change.position <= self._told_to):
            return
        news = self._news(change)
        if news is None:
            self._pass(change)
            return
        if not self._changes:
            self._waiting_since = time.monotonic()
        elif time.monotonic() - self._waiting_since > self._slow_seconds:
            self.close("SLOW_READER", "the stream was not read in time; come back with the resume token")
            return
        self._changes.append(news)
        if len(self._changes) > _MAX_SHARED:
            self._changes = deque((_folded(self._changes),))
        self._wake()

    def _news(self, change: Change) -> Change | None:
        """What of the change the stream asked for; None for nothing."""
        if not self._metric_types:
            return change
        updates = {key: one for key, one in change.updates.items() if self.wants(key)}
        if not updates:
            return None
        return Change.of(change.token, change.position, updates, is_told=change.is_told)

    def close(self, reason: str, message: str) -> None:
        """End the stream with a closing message; what is pending is dropped and comes by the resume token."""
        if self._closing is None:
            self._closing = live_pb2.Closing(reason=reason, message=message)
            self._changes.clear()
            self._parts.clear()
            self._wake()

    async def next(self) -> bytes | None:
        """The next message to send, serialised; None after the closing."""
        if self._is_over:
            return None
        while not (self._changes or self._parts or self._closing is not None or self._is_beat_due):
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        self._said_at = time.monotonic()
        self._is_beat_due = False
        if self._closing is not None:
            self._is_over = True
            return self.said(closing=self._closing).SerializeToString()
        if not (self._changes or self._parts):
            now = timestamp_of(datetime.now(UTC))
            return self.said(heartbeat=live_pb2.Heartbeat(time=now)).SerializeToString()
        return self._next_part()

    def _next_part(self) -> bytes:
        """The next message of the change that has waited longest."""
        if not self._parts:
            self._sending = self._changes.popleft()
            self._waiting_since = self._said_at
            self._parts.extend(self._sending.messages)
        part = self._parts.popleft()
        if not self._parts and self._sending is not None:
            self.token, self.position = self._sending.token, self._sending.position
            self._sending = None
        return part

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def said(
        self,
        *,
        snapshot_complete: live_pb2.SnapshotComplete | None = None,
        heartbeat: live_pb2.Heartbeat | None = None,
        closing: live_pb2.Closing | None = None,
    ) -> Message:
        """A message without changes, at the place where the stream is."""
        return Message(
            resume_token=self.token,
            position=self.position.ordinal,
            snapshot_complete=snapshot_complete,
            heartbeat=heartbeat,
            closing=closing,
        )

    def _pass(self, change: Change) -> None:
        """Move on past a change that holds nothing for this stream."""
        if not self._changes and not self._parts:
            self.token, self.position = change.token, change.position


def _folded(changes: deque[Change]) -> Change:
    """Several changes as one: the latest of each key, at the position of the last."""
    updates: dict[LiveKey, live_pb2.LiveMetric] = {}
    for change in changes:
        updates.update(change.updates)
    last = changes[-1]
    return Change.of(last.token, last.position, updates, is_told=last.is_told)
