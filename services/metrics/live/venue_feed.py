"""One venue's feed in this process: its present state, its position, and the streams that follow it."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from tickettoken.metrics.v1 import live_pb2

from services.metrics.live.feed import FeedName, ResumePoint, ResumeTokens, StreamId
from services.metrics.live.keys import LiveKey
from services.metrics.live.mapping import live_metric
from services.metrics.live.store import MOST_METRICS
from services.metrics.live.subscriber import Change, Subscriber
from services.metrics.live.windows import LiveState


class VenueFeed:
    """State and subscribers of one venue.

    `state` holds metrics whose last hour is empty too: a resumed stream may still know them with values.
    It holds the metrics that changed last, `MOST_METRICS` of them and what changed since the minute began.
    `position` is the id of the last message seen. `complete_from` is the first position since when
    `changed_at` knows every change, so that most resumed streams cost no read. `minute` is the running minute
    of the windows.
    """

    def __init__(self, name: FeedName, tokens: ResumeTokens) -> None:
        self.name = name
        self._tokens = tokens
        self.epoch = b""
        self.position = StreamId(0, 0)
        self.complete_from = StreamId(0, 0)
        self.minute: datetime | None = None
        self.state: dict[LiveKey, live_pb2.LiveMetric] = {}
        self.changed_at: dict[LiveKey, StreamId] = {}
        self.subscribers: set[Subscriber] = set()

    @property
    def token(self) -> str:
        return self._tokens.make(self.name, self.epoch, ResumePoint(self.position, self._minute_number))

    def resume_point(self, token: str) -> ResumePoint:
        """Where a token continues; see `ResumeTokens.read`."""
        return self._tokens.read(self.name, self.epoch, token)

    def turned_since(self, point: ResumePoint) -> set[LiveKey]:
        """Metrics whose windows have moved on since a stream was told them."""
        return {key for key, one in self.state.items() if minute_of(one).timestamp() // 60 > point.minute}

    def is_behind(self, point: ResumePoint) -> bool:
        """Whether another replica has told more than this one knows."""
        return self.position < point.position or self._minute_number < point.minute

    @property
    def _minute_number(self) -> int:
        return 0 if self.minute is None else int(self.minute.timestamp()) // 60

    def restart(self, epoch: bytes, position: StreamId) -> None:
        """Follow the feed from here on, in this epoch."""
        self.epoch = epoch
        self.position = self.complete_from = position
        self.changed_at.clear()

    def load(self, states: Collection[LiveState], minute: datetime) -> None:
        """Begin with what PostgreSQL says; the hub publishes what of it the feed has not told."""
        self.state = {state.key: live_metric(state) for state in states}
        self.minute = minute

    def turn(self, states: Collection[LiveState], minute: datetime) -> None:
        """Move the windows on. What changed besides is left to the feed, which tells it at a position."""
        if self.minute is not None and minute < self.minute:
            return
        changed = {}
        for state in states:
            known = self.state.get(state.key)
            if known is None or known.version != state.version or minute_of(known) >= minute:
                continue
            metric = self.state[state.key] = live_metric(state)
            if not _same_figures(known, metric):
                changed[state.key] = metric
        self.minute = minute
        self._broadcast(changed, is_told=False)
        if len(self.state) > MOST_METRICS:
            self._forget_all_but({state.key for state in states})

    def receive(self, position: StreamId, metrics: Iterable[live_pb2.LiveMetric]) -> None:
        """Take over a message of the feed and tell the subscribers what is newer than what they have."""
        if position <= self.position:
            return
        self.position = position
        changed = {}
        for metric in metrics:
            key = LiveKey(self.name.venue_id, metric.metric_type, metric.currency)
            known = self.state.get(key)
            self.changed_at[key] = position
            if known is None or known.version < metric.version:
                self.state[key] = changed[key] = metric
        self._broadcast(changed, is_told=True)

    def _forget_all_but(self, keys: set[LiveKey]) -> None:
        """Keep these metrics only; streams that resume from before now read the feed itself."""
        self.state = {key: metric for key, metric in self.state.items() if key in keys}
        self.changed_at.clear()
        self.complete_from = self.position

    def _broadcast(self, changed: dict[LiveKey, live_pb2.LiveMetric], *, is_told: bool) -> None:
        if changed and self.subscribers:
            change = Change.of(self.token, self.position, changed, is_told=is_told)
            for subscriber in self.subscribers:
                subscriber.offer(change)


def minute_of(metric: live_pb2.LiveMetric) -> datetime:
    """The minute when the figures were read; version and minute order what is told of a key."""
    if not metric.windows:
        return datetime.min.replace(tzinfo=UTC)
    return metric.windows[0].start_time.ToDatetime(UTC)


def _same_figures(one: live_pb2.LiveMetric, other: live_pb2.LiveMetric) -> bool:
    """Whether all windows hold the same values, wherever they start."""
    return all(
        (left.count, left.sum, left.min, left.max, left.last)
        == (right.count, right.sum, right.min, right.max, right.last)
        for left, right in zip(one.windows, other.windows, strict=True)
    )
