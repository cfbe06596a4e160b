"""The one stream from the metrics service that all sockets of a venue share."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

import grpc
import structlog
from tickettoken.metrics.v1 import live_pb2, realtime_service_pb2_grpc

from gateway.edge.live.follower import Follower
from gateway.edge.live.frames import Key, Message, TailChange, placed
from libs.common.rpc.status import error_info_from
from libs.common.tasks import ended

_LATEST_METRICS: Final = 2000
_RETRY_SECONDS: Final = 0.25
_GIVE_UP_SECONDS: Final = 60.0  # a channel that backs off may not try again for a quarter of a minute

_FINAL: Final = frozenset(
    (
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNIMPLEMENTED,
    )
)
"""Refusals that no waiting changes."""

_log = structlog.get_logger(__name__)


class Pass(NamedTuple):
    """An admitted client's right to follow the venue; the one that expires last opens the shared stream."""

    expires_at: datetime
    metadata: tuple[tuple[str, str], ...]


class _Latest(NamedTuple):
    metric: live_pb2.LiveMetric
    position: int
    turned_at: float


class VenueTail:
    """Follows a venue for as long as somebody holds a pass to it.

    It is opened with a client's own token. Every client has a stream of its own first, by which the metrics
    service admits or refuses it; it is handed over to this one where that ended.

    Args:
        stub: The metrics service.
        venue_id: The venue.
        origin: Message of a client's own stream after which this one begins.
        failed: Called when the stream is lost for good, after every follower was told.
    """

    def __init__(
        self,
        stub: "realtime_service_pb2_grpc.RealtimeServiceAsyncStub",
        venue_id: str,
        origin: Message,
        failed: Callable[["VenueTail"], None],
    ) -> None:
        self._stub = stub
        self._venue_id = venue_id
        self._failed = failed
        self._latest: dict[Key, _Latest] = {}
        self.origin = origin.position
        self._place = origin
        self._pending: list[live_pb2.LiveMetric] = []
        self._is_caught_up = False
        self.passes: dict[object, Pass] = {}
        self.followers: set[Follower] = set()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        await ended(self._task)

    def hand_over(self, follower: Follower) -> None:
        """Go on with the shared stream where a client's own one ended, which is not before `origin`."""
        missed = []
        for key, latest in self._latest.items():
            if follower.wants(key):
                knows = follower.knows(latest.metric)
                is_later = latest.position > follower.position
                has_turned = follower.is_resumed and latest.turned_at >= follower.opened_at
                if knows is False or (knows is None and (is_later or has_turned)):
                    missed.append(latest.metric)
        follower.catch_up(self._place, missed)
        self.followers.add(follower)

    def close(self, reason: str, message: str) -> None:
        for follower in list(self.followers):
            follower.close(reason, message)

    async def _run(self) -> None:
        """Open the stream again whenever it ends; only what cannot be mended ends the followers."""
        broken_since: float | None = None
        while True:
            try:
                await self._follow()
                broken_since = None
            except grpc.aio.AioRpcError as error:
                now = time.monotonic()
                broken_since = now if broken_since is None or self._is_caught_up else broken_since
                if error.code() in _FINAL or now - broken_since > _GIVE_UP_SECONDS:
                    self._end(error)
                    return
                _log.warning("shared feed broken, opening it again", code=error.code().name)
            await asyncio.sleep(_RETRY_SECONDS)

    def _end(self, error: grpc.aio.AioRpcError) -> None:
        self._failed(self)
        if not self.ready.done():
            self.ready.set_exception(error)
        info = error_info_from(error)
        if info is not None and info.reason == "RESUME_EXPIRED":
            self.close("RESUME_EXPIRED", "too much was missed; come back without a resume token")
        else:
            self.close("DEPENDENCY_UNAVAILABLE", "the feed is not reachable; come back after a while")

    async def _follow(self) -> None:
        """One stream, until the metrics service closes it in order."""
        self._is_caught_up = False
        self._pending = []
        best = max(self.passes.values())
        call = self._stub.WatchVenueMetrics(
            live_pb2.WatchVenueMetricsRequest(venue_id=self._venue_id, resume_token=self._place.resume_token),
            metadata=best.metadata,
        )
        try:
            async for message in call:
                if message.HasField("closing"):
                    return
                self._receive(message)
        finally:
            call.cancel()

    def _receive(self, message: Message) -> None:
        self._pending.extend(message.updates)
        if message.HasField("snapshot_complete"):
            self._is_caught_up = True
        if not message.resume_token or not self._is_caught_up:
            return  # more of the same step follows
        updates, self._pending = self._pending, []
        is_turn = message.position == self._place.position
        self._place = Message(resume_token=message.resume_token, position=message.position)
        if updates:
            self._remember(updates, is_turn=is_turn)
            change = TailChange(placed(message, updates), is_turn=is_turn)
            for follower in list(self.followers):
                follower.offer(change)
        if not self.ready.done():
            self.ready.set_result(None)

    def _remember(self, updates: list[live_pb2.LiveMetric], *, is_turn: bool) -> None:
        """The latest figures, those that changed last at the end."""
        now = time.monotonic()
        for metric in updates:
            key = Key.of(metric)
            before = self._latest.pop(key, None)
            position = before.position if is_turn and before is not None else self._place.position
            turned_at = now if is_turn else (before.turned_at if before is not None else 0.0)
            self._latest[key] = _Latest(metric, position, turned_at)
        while len(self._latest) > _LATEST_METRICS:
            del self._latest[next(iter(self._latest))]
