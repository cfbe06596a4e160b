"""What one socket has been told of its venue's feed, and what it is told next."""

import time
from collections.abc import Iterable, Mapping
from typing import Final

from tickettoken.metrics.v1 import live_pb2

from gateway.edge.live.frames import Figures, Key, Message, TailChange, frame_of, placed
from gateway.edge.live.socket import LiveSocket

CLOSE_CODES: Final[Mapping[str, int]] = {
    "SHUTTING_DOWN": 1001,
    "MESSAGE_UNEXPECTED": 1003,
    "SLOW_READER": 1008,
    "DEPENDENCY_UNAVAILABLE": 1013,
    "TOKEN_EXPIRED": 4401,
    "RESUME_EXPIRED": 4410,
}


class Follower:
    """Delivers to one socket: first from a stream of its own, then from the one that all share.

    A client that does not read is told only the latest of each metric when it does, and goodbye when it takes
    too long. `token` and `position` are where the client would resume.

    Args:
        socket: The connection.
        metric_types: Metrics asked for; empty for all.
        resume_token: Where the client resumes; empty when it does not.
        slow_reader_seconds: Time a change may wait for the client.
    """

    def __init__(
        self,
        socket: LiveSocket,
        metric_types: frozenset[str],
        resume_token: str,
        *,
        slow_reader_seconds: float,
    ) -> None:
        self._socket = socket
        self._metric_types = metric_types
        self._slow_seconds = slow_reader_seconds
        self._known: dict[Key, Figures] | None = {}
        self._waiting: dict[Key, live_pb2.LiveMetric] = {}
        self._waiting_for = Message()
        self._waiting_since = 0.0
        self._is_closing = False
        self.is_resumed = bool(resume_token)
        self.opened_at = self.told_at = time.monotonic()
        self.token, self.position = resume_token, 0
        socket.on_writable = self._told_what_waited

    def wants(self, key: Key) -> bool:
        return not self._metric_types or key.metric_type in self._metric_types

    def begin(self, message: Message) -> None:
        """Pass on a message of the client's own stream."""
        if self._known is not None:
            self._known.update((Key.of(one), Figures.of(one)) for one in message.updates)
        self._send(message, frame_of(message))

    def knows(self, metric: live_pb2.LiveMetric) -> bool | None:
        """Whether the client was told these figures or newer ones; None when its own stream never said."""
        known = None if self._known is None else self._known.get(Key.of(metric))
        return None if known is None else known >= Figures.of(metric)

    def catch_up(self, place: Message, updates: list[live_pb2.LiveMetric]) -> None:
        """Tell what the shared stream said before the client joined it."""
        if updates:
            self._tell(place if place.position >= self.position else self.place, updates)

    def offer(self, change: TailChange) -> None:
        """Tell a change of the shared stream, once."""
        place = change.message
        if self._known is not None:
            if place.position <= self.position:
                self.catch_up(place, [one for one in place.updates if self._is_news(one, change)])
                return
            if not self._known.keys().isdisjoint(change.keys):
                self._tell_unknown(place)
                return
            self._known = self._known or None
        frame = change.frame_for(self._metric_types)
        if frame is None:
            if not self._waiting:
                self.token, self.position = place.resume_token, place.position
        elif self._socket.is_paused or self._waiting:
            self._wait(place, [one for one in place.updates if self.wants(Key.of(one))])
        else:
            self._send(place, frame)

    def _tell_unknown(self, place: Message) -> None:
        """Tell a later change of metrics that the client's own stream may have told: its state was ahead."""
        assert self._known is not None
        news = [one for one in place.updates if self.wants(Key.of(one)) and not self.knows(one)]
        for one in place.updates:
            self._known.pop(Key.of(one), None)
        if news:
            self._tell(place, news, remember=False)
        elif not self._waiting:
            self.token, self.position = place.resume_token, place.position

    def beat(self, now: float, message: Message) -> None:
        """Tell that the feed is alive; goodbye to a client that does not read."""
        if self._waiting:
            self._close_when_slow(now)
        elif not self._socket.is_paused:
            beat = Message(resume_token=self.token, position=self.position, heartbeat=message.heartbeat)
            self._send(beat, frame_of(beat))

    def close(self, reason: str, message: str) -> None:
        """The last word; what waits comes by the resume token."""
        if not self._is_closing:
            self._is_closing = True
            self._waiting.clear()
            closing = live_pb2.Closing(reason=reason, message=message)
            self._socket.send(
                frame_of(Message(resume_token=self.token, position=self.position, closing=closing))
            )
            self._socket.close(CLOSE_CODES.get(reason, 1011), reason)

    @property
    def place(self) -> Message:
        """Where the client is in the feed, as an empty message."""
        return Message(resume_token=self.token, position=self.position)

    def _is_news(self, metric: live_pb2.LiveMetric, change: TailChange) -> bool:
        """Whether a change from before the client's own stream ended says what that stream did not."""
        if not self.wants(Key.of(metric)):
            return False
        knows = self.knows(metric)
        return change.is_turn if knows is None else not knows

    def _tell(self, place: Message, updates: list[live_pb2.LiveMetric], *, remember: bool = True) -> None:
        if remember and self._known is not None:
            self._known.update((Key.of(one), Figures.of(one)) for one in updates)
        if self._socket.is_paused or self._waiting:
            self._wait(place, updates)
        else:
            self._send(place, frame_of(placed(place, updates)))

    def _send(self, place: Message, frame: bytes) -> None:
        if self._is_closing:
            return
        self._socket.send(frame)
        self.told_at = time.monotonic()
        if place.resume_token:
            self.token, self.position = place.resume_token, place.position

    def _wait(self, place: Message, updates: Iterable[live_pb2.LiveMetric]) -> None:
        now = time.monotonic()
        if not self._waiting:
            self._waiting_since = now
        self._waiting.update((Key.of(one), one) for one in updates)
        self._waiting_for = place
        self._close_when_slow(now)

    def _close_when_slow(self, now: float) -> None:
        if now - self._waiting_since > self._slow_seconds:
            self.close("SLOW_READER", "the socket was not read in time; come back with the resume token")

    def _told_what_waited(self) -> None:
        if self._waiting:
            updates = list(self._waiting.values())
            self._waiting.clear()
            self._send(self._waiting_for, frame_of(placed(self._waiting_for, updates)))
