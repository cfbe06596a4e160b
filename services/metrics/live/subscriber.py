"""One open stream: what it still has to be sent, conflated per key and bounded."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from tickettoken.metrics.v1 import live_pb2

from services.metrics.live.feed import StreamId
from services.metrics.live.keys import LiveKey

_MAX_SHARED: Final = 16  # changes kept by reference before they are folded into one
MESSAGE_METRICS: Final = 200  # metrics in one message: clients refuse messages of several megabytes

Message = live_pb2.WatchVenueMetricsResponse


@dataclass(frozen=True, slots=True)
class Change:
    """Live metrics that changed at one position of the feed, and the message all unfiltered readers share.

    `is_told` says that the feed told it at this position; the turn of a minute is told by nobody.
    """

    token: str
    position: StreamId
    is_told: bool
    updates: Mapping[LiveKey, live_pb2.LiveMetric]
    message: Message

    @classmethod
    def of(
        cls, token: str, position: StreamId, updates: Mapping[LiveKey, live_pb2.LiveMetric], *, is_told: bool
    ) -> "Change":
        message = Message(resume_token=token, position=position.ordinal, updates=updates.values())
        return cls(token, position, is_told, updates, message)


class Subscriber:
    """The pending changes of one stream.

    Args:
        metric_types: Metrics asked for; empty for all.
        token: Resume token of what the stream starts from.
        slow_reader_seconds: Time a change may wait before the stream is closed.
    """

    __slots__ = (
        "_ahead",
        "_arrived",
        "_changes",
        "_closing",
        "_metric_types",
        "_parts",
        "_slow_seconds",
        "_told_to",
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
        self._ahead: dict[LiveKey, int] = {}
        self._parts: Iterator[Message] | None = None
        self._slow_seconds = slow_reader_seconds
        self._changes: list[Change] = []
        self._waiting_since = 0.0
        self._closing: live_pb2.Closing | None = None
        self._arrived = asyncio.Event()

    def begin(self, token: str, position: StreamId, *, told_to: StreamId) -> None:
        """Start a resumed stream from the present state: what waits is in it, what it was told is no news.

        Args:
            token: Resume token of the state.
            position: Where the state is.
            told_to: Where the stream broke off; another replica may have been ahead of this one.
        """
        self._changes.clear()
        self.token, self.position, self._told_to = token, position, told_to
        if self._closing is None:
            self._arrived.clear()

    def was_told(self, versions: dict[LiveKey, int]) -> None:
        """Leave out what the snapshot said already when the feed, which may be behind it, says it."""
        self._ahead = versions

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
            self._changes = [_folded(self._changes)]
        self._arrived.set()

    def _news(self, change: Change) -> Change | None:
        """What of the change the stream asked for and was not told by its snapshot; None for nothing."""
        is_told_before = change.is_told and not self._ahead.keys().isdisjoint(change.updates)
        if not self._metric_types and not is_told_before:
            return change
        updates = {key: one for key, one in change.updates.items() if self.wants(key)}
        if is_told_before:
            updates = {key: one for key, one in updates.items() if one.version > self._ahead.pop(key, 0)}
        if not updates:
            return None
        return Change.of(change.token, change.position, updates, is_told=change.is_told)

    def close(self, reason: str, message: str) -> None:
        """End the stream with a closing message; what is pending is dropped and comes by the resume token."""
        if self._closing is None:
            self._closing = live_pb2.Closing(reason=reason, message=message)
            self._changes.clear()
            self._parts = None
            self._arrived.set()

    async def next(self, seconds: float) -> Message | None:
        """The next message to send, or None when none came within these seconds."""
        if not self._arrived.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._arrived.wait()
            except TimeoutError:
                return None
        if self._closing is not None:
            return self.said(closing=self._closing)
        if self._parts is None:
            change = self._changes[0] if len(self._changes) == 1 else _folded(self._changes)
            self._changes = []
            self._parts = self._sent(change)
        message = next(self._parts)
        if message.resume_token:
            self._parts = None
            if not self._changes:
                self._arrived.clear()
        return message

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

    def _sent(self, change: Change) -> Iterator[Message]:
        """The messages of a change; only the last has the token, so whoever missed it asks for all again."""
        rest = iter(change.updates.values())
        for _ in range((len(change.updates) - 1) // MESSAGE_METRICS):
            yield Message(updates=islice(rest, MESSAGE_METRICS))
        self.token, self.position = change.token, change.position
        if len(change.updates) <= MESSAGE_METRICS:
            yield change.message
        else:
            yield Message(resume_token=change.token, position=change.position.ordinal, updates=rest)

    def _pass(self, change: Change) -> None:
        """Move on past a change that holds nothing for this stream."""
        if not self._changes and self._parts is None:
            self.token, self.position = change.token, change.position


def _folded(changes: list[Change]) -> Change:
    """Several changes as one: the latest of each key, at the position of the last."""
    updates: dict[LiveKey, live_pb2.LiveMetric] = {}
    for change in changes:
        updates.update(change.updates)
    last = changes[-1]
    return Change.of(last.token, last.position, updates, is_told=last.is_told)
