"""The consuming loop that both brokers share: receive a batch, decode, handle, settle, survive outages."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from libs.common.bus.envelope import decode
from libs.common.bus.metering import count_settled
from libs.common.bus.port import (
    BatchHandler,
    BusUnavailable,
    Delivery,
    Settlement,
    UnreadableEvent,
    Verdict,
)
from libs.common.errors import DependencyUnavailable

log = logging.getLogger(__name__)

LINGER_SECONDS = 0.02
IDLE_SECONDS = 0.25
_MAX_PAUSE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message as the broker hands it over; `redeliveries` counts returns that nobody asked for."""

    body: bytes
    content_type: str
    attempt: int
    redeliveries: int
    receipt: Any


@dataclass(frozen=True, slots=True)
class Settled:
    """One parcel with its fate; `delay_seconds` matters for retries only."""

    parcel: Parcel
    verdict: Verdict
    reason: str = ""
    delay_seconds: float = 0.0


class Mailbox(Protocol):
    """One queue seen through one connection."""

    async def receive(self) -> Sequence[Parcel]:
        """Up to `prefetch` parcels, gathered for LINGER_SECONDS; none after IDLE_SECONDS without any."""

    async def settle(self, settled: Sequence[Settled]) -> None:
        """Carry out every decision; a retry or dead letter is durable before its original is given up."""


OpenMailbox = Callable[[], AbstractAsyncContextManager[Mailbox]]


class MailboxConsumer:
    """A consumer of one queue on any broker that can open a mailbox."""

    def __init__(
        self,
        *,
        queue: str,
        open_mailbox: OpenMailbox,
        handler: BatchHandler,
        retry_delays: Sequence[float],
        max_deliveries: int,
    ) -> None:
        self._queue = queue
        self._open = open_mailbox
        self._handler = handler
        self._retry_delays = retry_delays
        self._max_deliveries = max_deliveries
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        pause = 0.2
        while not self._stopping.is_set():
            try:
                async with self._open() as mailbox:
                    pause = 0.2
                    await self._drain(mailbox)
            except BusUnavailable as error:
                log.warning("consumer of %s lost the bus: %s", self._queue, error)
                pause = await self._pause(pause)

    async def _drain(self, mailbox: Mailbox) -> None:
        while not self._stopping.is_set():
            parcels = await mailbox.receive()
            # A batch that a process died on is handled event by event, so that the harmless ones get through.
            suspects = [parcel for parcel in parcels if parcel.redeliveries > 1]
            for parcel in suspects:
                await self._handle(mailbox, [parcel])
            if rest := [parcel for parcel in parcels if parcel.redeliveries <= 1]:
                await self._handle(mailbox, rest)

    async def _handle(self, mailbox: Mailbox, parcels: Sequence[Parcel]) -> None:
        settled: list[Settled] = []
        readable: list[Parcel] = []
        deliveries: list[Delivery] = []
        for parcel in parcels:
            try:
                deliveries.append(Delivery(decode(parcel.body, parcel.content_type), parcel.attempt))
                readable.append(parcel)
            except UnreadableEvent as error:
                settled.append(Settled(parcel, Verdict.DEAD, f"{error.reason}: {error.message}"))
        settlements = await self._settlements(deliveries) if deliveries else []
        if settlements is None:
            return
        settled += [self._fate(*pair) for pair in zip(readable, settlements, strict=True)]
        await mailbox.settle(settled)
        count_settled(self._queue, (one.verdict for one in settled))

    async def _settlements(self, deliveries: Sequence[Delivery]) -> Sequence[Settlement] | None:
        """The handler's decisions, or None when told to stop while a dependency was away."""
        pause = 0.2
        while True:
            try:
                return await self._handler(deliveries)
            except DependencyUnavailable as error:
                log.warning("consumer of %s waits for a dependency: %s", self._queue, error)
            except Exception as error:
                log.exception("handler of %s failed for %d events", self._queue, len(deliveries))
                return [Settlement(Verdict.RETRY, type(error).__name__)] * len(deliveries)
            if self._stopping.is_set():
                return None
            pause = await self._pause(pause)

    def _fate(self, parcel: Parcel, settlement: Settlement) -> Settled:
        if settlement.verdict is not Verdict.RETRY:
            return Settled(parcel, settlement.verdict, settlement.reason)
        if parcel.attempt >= self._max_deliveries:
            return Settled(
                parcel, Verdict.DEAD, f"gave up after {parcel.attempt} attempts: {settlement.reason}"
            )
        delay = self._retry_delays[min(parcel.attempt, len(self._retry_delays)) - 1]
        return Settled(parcel, Verdict.RETRY, settlement.reason, delay)

    async def _pause(self, seconds: float) -> float:
        """Wait, but not past `stop`; returns the next, longer pause."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return min(seconds * 2, _MAX_PAUSE_SECONDS)
