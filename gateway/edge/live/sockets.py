"""Every WebSocket of this process: who may open one, which shared stream it joins, and how it ends."""

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import grpc
import structlog
from google.protobuf.timestamp_pb2 import Timestamp
from tickettoken.metrics.v1 import live_pb2, realtime_service_pb2, realtime_service_pb2_grpc
from websockets.http11 import Request

from gateway.edge.errors import NotReady, TooManySockets
from gateway.edge.live.follower import CLOSE_CODES, Follower
from gateway.edge.live.frames import Message
from gateway.edge.live.handshake import Wanted, refusal, wanted
from gateway.edge.live.socket import LiveSocket
from gateway.edge.live.tail import Pass, VenueTail
from libs.common.auth.errors import PermissionMissing
from libs.common.auth.tokens import TokenVerifier
from libs.common.context import Caller
from libs.common.errors import AnalyticsError, DependencyUnavailable
from libs.common.rpc.errors import DeadlineExceeded, InternalError, RequestMalformed
from libs.common.rpc.methods import policies_of
from libs.common.rpc.status import status_from, status_of
from libs.common.tasks import ended, essential

_HANDSHAKE_SECONDS: Final = 10.0
_RECONNECT_SECONDS: Final = 3.0
_LOOKS_A_BEAT: Final = 8
_SERVICE: Final = realtime_service_pb2.DESCRIPTOR.services_by_name["RealtimeService"].full_name

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """What a deployment allows its sockets.

    `origins` are those whose pages may follow feeds beside the gateway's own.
    """

    origins: Collection[str]
    most_sockets: int
    heartbeat_seconds: float
    slow_reader_seconds: float


class LiveSockets:
    """Serves upgrades with the feeds of the metrics service.

    Args:
        channel: To the metrics service; None where this gateway has none.
        verifier: Turns tokens into callers.
        limits: What sockets are allowed.
    """

    def __init__(self, channel: grpc.aio.Channel | None, verifier: TokenVerifier, limits: LiveLimits) -> None:
        self._stub = None if channel is None else realtime_service_pb2_grpc.RealtimeServiceStub(channel)
        self._verifier = verifier
        self._limits = limits
        self._permissions = policies_of(_SERVICE)["WatchVenueMetrics"].permissions
        self._tails: dict[tuple[UUID, str], VenueTail] = {}
        self._followers: dict[LiveSocket, Follower] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._beats: asyncio.Task[None] | None = None
        self._is_draining = False

    def start(self) -> None:
        self._beats = essential(self._beat(), name="live-heartbeats")

    def drain(self) -> None:
        """Say goodbye to every client; new ones are refused."""
        self._is_draining = True
        for follower in list(self._followers.values()):
            follower.close("SHUTTING_DOWN", "this gateway stops; come back now, another one answers")

    async def stop(self) -> None:
        """Release everything; `drain` came before."""
        await ended(self._beats, *self._tasks)
        for tail in list(self._tails.values()):
            await tail.stop()

    def arrived(self, socket: LiveSocket, request: Request) -> None:
        """A client asks for an upgrade."""
        task = asyncio.create_task(self._serve(socket, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def spoke(self, socket: LiveSocket) -> None:
        """A client sent a message, which nobody waits for."""
        if (follower := self._followers.get(socket)) is not None:
            follower.close("MESSAGE_UNEXPECTED", "this socket takes no messages")
        else:
            socket.close(CLOSE_CODES["MESSAGE_UNEXPECTED"], "MESSAGE_UNEXPECTED")

    async def _serve(self, socket: LiveSocket, request: Request) -> None:
        """One socket from its upgrade to its end; a refusal is the answer to the upgrade."""
        try:
            want, caller, stub = await self._admitted(request)
            await self._bridged(socket, request, want, caller, stub)
        except AnalyticsError as error:
            socket.refuse(refusal(status_of(error)))
        except grpc.aio.AioRpcError as error:
            status = status_from(error) or status_of(
                DependencyUnavailable("the service is not reachable, try again", dependency="metrics")
            )
            socket.refuse(refusal(status))
        except Exception:
            _log.exception("socket failed")
            socket.refuse(refusal(status_of(InternalError("internal error"))))
            raise
        finally:
            follower = self._followers.pop(socket, None)
            if follower is not None:
                follower.close("DEPENDENCY_UNAVAILABLE", "the feed is not reachable; come back after a while")

    async def _admitted(self, request: Request) -> tuple[Wanted, Caller, Any]:
        if self._is_draining:
            raise NotReady("the gateway is stopping", dependencies="")
        if len(self._tasks) > self._limits.most_sockets:
            raise TooManySockets(
                "this gateway serves as many sockets as it may", limit=self._limits.most_sockets
            )
        want = wanted(request, self._limits.origins)
        caller = await self._verifier.verify(want.token)
        if missing := self._permissions - caller.permissions:
            raise PermissionMissing("a permission is missing", permissions=",".join(sorted(missing)))
        if self._stub is None:
            raise DependencyUnavailable("this gateway has no metrics service", dependency="metrics")
        return want, caller, self._stub

    async def _bridged(
        self, socket: LiveSocket, request: Request, want: Wanted, caller: Caller, stub: Any
    ) -> None:
        """Follow the feed with a stream of the client's own, then with the one that all share."""
        limit = asyncio.timeout(_HANDSHAKE_SECONDS)
        try:
            async with limit:
                follower = await self._begun(socket, request, want, stub)
        except TimeoutError as error:
            if limit.expired():
                raise DeadlineExceeded("the feed did not begin in time") from error
            raise
        tail = self._joined(follower, want, caller, stub)
        try:
            await asyncio.shield(tail.ready)
            while follower.position < tail.origin:
                await self._continued(follower, want, stub)
            tail.hand_over(follower)
            await self._until_end(socket, caller, follower)
        finally:
            await self._left(tail, follower)

    def _joined(self, follower: Follower, want: Wanted, caller: Caller, stub: Any) -> VenueTail:
        name = (caller.tenant_id, want.feed.venue_id)
        tail = self._tails.get(name)
        if tail is None:
            tail = self._tails[name] = VenueTail(
                stub, want.feed.venue_id, follower.place, lambda one: self._forget(name, one)
            )
            # Whoever waits for it hears of a failure; nobody may be waiting any more.
            tail.ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())
            tail.passes[follower] = Pass(caller.expires_at, want.metadata)
            tail.start()
        tail.passes[follower] = Pass(caller.expires_at, want.metadata)
        return tail

    def _forget(self, name: tuple[UUID, str], tail: VenueTail) -> None:
        if self._tails.get(name) is tail:
            del self._tails[name]

    async def _left(self, tail: VenueTail, follower: Follower) -> None:
        tail.followers.discard(follower)
        tail.passes.pop(follower, None)
        if not tail.passes:
            for name in [name for name, one in self._tails.items() if one is tail]:
                del self._tails[name]
            await tail.stop()

    async def _begun(self, socket: LiveSocket, request: Request, want: Wanted, stub: Any) -> Follower:
        """The client's own stream up to the end of its snapshot: the metrics service admits it or refuses."""
        call, message = await _opened(stub, want.feed, want.metadata)
        try:
            if (wrong := socket.accept(request)) is not None:
                text = (wrong.body or b"").decode(errors="replace").strip()
                raise RequestMalformed(f"not a WebSocket handshake: {text}")
            follower = self._followers[socket] = Follower(
                socket,
                frozenset(want.feed.metrics),
                want.feed.resume_token,
                slow_reader_seconds=self._limits.slow_reader_seconds,
            )
            await _passed_on(follower, message, call)
        finally:
            call.cancel()
        return follower

    async def _continued(self, follower: Follower, want: Wanted, stub: Any) -> None:
        """What changed since: the shared stream began later than the client's own one ended."""
        feed = live_pb2.WatchVenueMetricsRequest(
            venue_id=want.feed.venue_id, metrics=want.feed.metrics, resume_token=follower.token
        )
        call, message = await _opened(stub, feed, want.metadata)
        try:
            await _passed_on(follower, message, call)
        finally:
            call.cancel()

    async def _until_end(self, socket: LiveSocket, caller: Caller, follower: Follower) -> None:
        if self._is_draining:
            follower.close("SHUTTING_DOWN", "this gateway stops; come back now, another one answers")
        left = (caller.expires_at - datetime.now(UTC)).total_seconds()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, left)):
                await socket.lost.wait()
                return
        follower.close("TOKEN_EXPIRED", "the token has expired; come back with a new one")
        await socket.lost.wait()

    async def _beat(self) -> None:
        """Heartbeats where nothing was said, and goodbyes where nothing is read."""
        every = self._limits.heartbeat_seconds
        while True:
            await asyncio.sleep(every / _LOOKS_A_BEAT)
            now = time.monotonic()
            clock = Timestamp()
            clock.GetCurrentTime()
            message = Message(heartbeat=live_pb2.Heartbeat(time=clock))
            for follower in list(self._followers.values()):
                if now - follower.told_at >= every:
                    follower.beat(now, message)


async def _opened(stub: Any, feed: live_pb2.WatchVenueMetricsRequest, metadata: Any) -> tuple[Any, object]:
    """A stream and its first message; a connection that was lost meanwhile gets the time to come back."""
    call = stub.WatchVenueMetrics(feed, metadata=metadata)
    try:
        return call, await call.read()
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE or status_from(error) is not None:
            raise
        call = stub.WatchVenueMetrics(feed, metadata=metadata, wait_for_ready=True)
        try:
            async with asyncio.timeout(_RECONNECT_SECONDS):
                return call, await call.read()
        except TimeoutError:
            call.cancel()
            raise error from None


async def _passed_on(follower: Follower, message: object, call: Any) -> None:
    """Pass on a client's own stream up to the end of its snapshot."""
    while isinstance(message, Message) and not message.HasField("closing"):
        follower.begin(message)
        if message.HasField("snapshot_complete"):
            return
        message = await call.read()
    if isinstance(message, Message):
        follower.token = message.resume_token or follower.token
        follower.close(message.closing.reason, message.closing.message)
    raise DependencyUnavailable("the feed ended before it began", dependency="metrics")
