"""Messages of the feed as WebSocket frames: proto3 JSON, the same as the data of server-sent events."""

from collections.abc import Iterable
from typing import NamedTuple

from tickettoken.metrics.v1 import live_pb2
from websockets.frames import Frame, Opcode

from gateway.edge.live.printing import json_of

Message = live_pb2.WatchVenueMetricsResponse


class Key(NamedTuple):
    """Which of a venue's live metrics."""

    metric_type: str
    currency: str

    @classmethod
    def of(cls, metric: live_pb2.LiveMetric) -> "Key":
        return cls(metric.metric_type, metric.currency)


class Figures(NamedTuple):
    """What a client knows of a live metric; the larger one is the newer one."""

    version: int
    minute: int

    @classmethod
    def of(cls, metric: live_pb2.LiveMetric) -> "Figures":
        return cls(metric.version, metric.windows[0].start_time.seconds if metric.windows else 0)


def frame_of(message: Message) -> bytes:
    """The whole frame, ready for every socket: frames of servers are not masked."""
    return Frame(Opcode.TEXT, json_of(message)).serialize(mask=False)


class TailChange:
    """One change of a venue, with a frame for each set of metrics that sockets asked for.

    `is_turn` says that it tells no news of the feed: the windows have moved on with the minute.
    """

    def __init__(self, message: Message, *, is_turn: bool) -> None:
        self.message = message
        self.is_turn = is_turn
        self.keys = frozenset(map(Key.of, message.updates))
        self._frames: dict[frozenset[str], bytes | None] = {}

    def frame_for(self, metric_types: frozenset[str]) -> bytes | None:
        """The frame of those metrics (empty: of all), or None when none of them changed."""
        if metric_types not in self._frames:
            self._frames[metric_types] = self._made(metric_types)
        return self._frames[metric_types]

    def _made(self, metric_types: frozenset[str]) -> bytes | None:
        if not metric_types:
            return frame_of(self.message)
        updates = [one for one in self.message.updates if one.metric_type in metric_types]
        return frame_of(placed(self.message, updates)) if updates else None


def placed(place: Message, updates: Iterable[live_pb2.LiveMetric]) -> Message:
    """These updates at the place in the feed that another message has."""
    return Message(resume_token=place.resume_token, position=place.position, updates=updates)
