"""One open stream: what it still has to be sent, conflated per key and bounded."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tickettoken.metrics.v1 import live_pb2

from services.metrics.live.keys import LiveKey

_MAX_SHARED: Final = 16  # changes kept by reference before they are folded into one

Message = live_pb2.WatchVenueMetricsResponse


@dataclass(frozen=True, slots=True)
class Change:
    """Live metrics that changed at one position of the feed, and the message all unfiltered readers share."""

    token: str
    updates: Mapping[LiveKey, live_pb2.LiveMetric]
    message: Message

    @classmethod
    def of(cls, token: str, updates: Mapping[LiveKey, live_pb2.LiveMetric]) -> "Change":
        return cls(token, updates, Message(resume_token=token, updates=updates.values()))


class Subscriber:
    """The pending changes of one stream.

    Args:
        metric_types: Metrics asked for; empty for all.
        token: Resume token of what the stream starts from.
        slow_reader_seconds: Time a change may wait before the stream is closed.
    """

    __slots__ = (
        "_arrived",
        "_changes",
        "_closing",
        "_metric_types",
        "_slow_seconds",
        "_token",
        "_waiting_since",
    )

    def __init__(self, metric_types: frozenset[str], token: str, *, slow_reader_seconds: float) -> None:
        self._metric_types = metric_types
        self._token = token
        self._slow_seconds = slow_reader_seconds
        self._changes: list[Change] = []
        self._waiting_since = 0.0
        self._closing: live_pb2.Closing | None = None
        self._arrived = asyncio.Event()

    @property
    def token(self) -> str:
        return self._token

    def wants(self, key: LiveKey) -> bool:
        return not self._metric_types or key.metric_type in self._metric_types

    def offer(self, change: Change) -> None:
        """Queue a change; folds it into what waits already."""
        if self._closing is not None:
            return
        if self._metric_types:
            updates = {
                key: one for key, one in change.updates.items() if key.metric_type in self._metric_types
            }
            if not updates:
                self._token = change.token if not self._changes else self._token
                return
            change = Change.of(change.token, updates)
        if not self._changes:
            self._waiting_since = time.monotonic()
        elif time.monotonic() - self._waiting_since > self._slow_seconds:
            self.close("SLOW_READER", "the stream was not read in time; come back with the resume token")
            return
        self._changes.append(change)
        if len(self._changes) > _MAX_SHARED:
            self._changes = [_folded(self._changes)]
        self._arrived.set()

    def close(self, reason: str, message: str) -> None:
        """End the stream with a closing message; what is pending is dropped and comes by the resume token."""
        if self._closing is None:
            self._closing = live_pb2.Closing(reason=reason, message=message)
            self._changes.clear()
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
            return Message(resume_token=self._token, closing=self._closing)
        self._arrived.clear()
        change = self._changes[0] if len(self._changes) == 1 else _folded(self._changes)
        self._changes = []
        self._token = change.token
        return change.message


def _folded(changes: list[Change]) -> Change:
    """Several changes as one: the latest of each key, at the position of the last."""
    updates: dict[LiveKey, live_pb2.LiveMetric] = {}
    for change in changes:
        updates.update(change.updates)
    return Change.of(changes[-1].token, updates)
