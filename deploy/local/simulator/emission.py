"""Events into a gateway: batches of PublishEvents, several in flight, patient with a gateway that is busy."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar
from urllib.parse import urlsplit

import grpc
from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.metrics.v1.ingest_service_pb2 import PublishEventsRequest
from tickettoken.metrics.v1.ingest_service_pb2_grpc import IngestServiceStub
from tqdm import tqdm

T = TypeVar("T")

BATCH_SIZE = 1000
_IN_FLIGHT = 3
_CALL_SECONDS = 60.0
_PATIENCE_SECONDS = 180.0
_BUSY = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED})


class EmissionFailed(Exception):
    """The gateway refused the events for good, or was away for longer than our patience."""


@dataclass(slots=True)
class Tally:
    """What the gateway said of everything sent so far; `reasons` counts refusals by reason."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        return self.accepted + self.duplicates + self.rejected

    def __str__(self) -> str:
        said = f"{self.accepted:,} accepted, {self.duplicates:,} known before"
        if self.rejected:
            refusals = ", ".join(f"{reason} {count:,}" for reason, count in sorted(self.reasons.items()))
            said += f", {self.rejected:,} rejected ({refusals})"
        return said


@asynccontextmanager
async def gateway_channel(gateway_url: str) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the gateway's own port, over TLS where its URL says https."""
    parts = urlsplit(gateway_url)
    target = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    if parts.scheme == "https":
        channel = grpc.aio.secure_channel(target, grpc.ssl_channel_credentials())
    else:
        channel = grpc.aio.insecure_channel(target)
    async with channel:
        yield channel


class Emitter:
    """Publishes events for the tenant of a token.

    Args:
        channel: To the gateway.
        token: Reads the bearer token before each call, so that it may be renewed meanwhile.
    """

    def __init__(self, channel: grpc.aio.Channel, token: Callable[[], str]) -> None:
        self._ingest = IngestServiceStub(channel)
        self._token = token
        self.tally = Tally()

    async def emit(self, batches: Iterable[Sequence[Event]], *, progress: "Progress") -> Tally:
        """Send every batch; returns the tally of this emitter.

        Raises:
            EmissionFailed: The gateway refused a whole call, or stayed away.
        """
        waiting = iter(batches)

        async def send_rest() -> None:
            for batch in waiting:
                await self.send(batch)
                progress.advance(len(batch))

        senders = [asyncio.create_task(send_rest()) for _ in range(_IN_FLIGHT)]
        try:
            await asyncio.gather(*senders)
        finally:
            for sender in senders:
                sender.cancel()
        return self.tally

    async def send(self, batch: Sequence[Event]) -> None:
        """Publish one batch and count its verdicts; waits and repeats while the gateway is busy."""
        request = PublishEventsRequest(events=batch)
        response = await patiently(
            lambda: self._ingest.PublishEvents(
                request, timeout=_CALL_SECONDS, metadata=(("authorization", f"Bearer {self._token()}"),)
            )
        )
        self.tally.accepted += response.accepted_count
        self.tally.duplicates += response.duplicate_count
        self.tally.rejected += response.rejected_count
        for verdict in response.verdicts:
            if verdict.reason:
                self.tally.reasons[verdict.reason] = self.tally.reasons.get(verdict.reason, 0) + 1


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """The answer of a repeatable call, repeated while the gateway is busy or away.

    Raises:
        EmissionFailed: It refused, or was busy for three minutes.
    """
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await call()
        except grpc.aio.AioRpcError as error:
            if error.code() not in _BUSY or time.monotonic() > give_up_at:
                raise EmissionFailed(f"{error.code().name}: {error.details()}") from error
            await asyncio.sleep(_retry_after(error))


class Progress:
    """A bar for people, a line every few seconds for logs."""

    _LINE_SECONDS = 3.0

    def __init__(self, total: int, what: str) -> None:
        self._total = total
        self._what = what
        self._done = 0
        self._began = time.monotonic()
        self._next_line = self._began + self._LINE_SECONDS
        self._bar = tqdm(total=total, unit=" events", desc=what) if sys.stderr.isatty() else None

    def advance(self, count: int) -> None:
        self._done += count
        if self._bar is not None:
            self._bar.update(count)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + self._LINE_SECONDS
            rate = self._done / (time.monotonic() - self._began)
            print(f"{self._what}: {self._done:,} of {self._total:,} events, {rate:,.0f}/s", flush=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def in_batches(events: Iterable[Event], size: int = BATCH_SIZE) -> Iterator[list[Event]]:
    """Lists of at most `size` events, made as they are asked for."""
    remaining = iter(events)
    while batch := list(islice(remaining, size)):
        yield batch


def _retry_after(error: grpc.aio.AioRpcError) -> float:
    """Seconds the gateway asks us to wait, else one."""
    for name, value in error.initial_metadata() or ():
        if name == "retry-after":
            try:
                return min(float(value), 30.0)
            except ValueError:
                break
    return 1.0
