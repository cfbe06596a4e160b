"""A Redis stream as a mailbox: a consumer group hands entries out, settling deletes them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from libs.common.bus.mailbox import IDLE_SECONDS, LINGER_SECONDS, Parcel, Settled
from libs.common.bus.port import CRASH_LIMIT, BusUnavailable, Verdict
from libs.common.bus.redis_scripts import (
    BINDINGS,
    FORGET_CONSUMER,
    GROUP,
    PROMOTE,
    dead_stream,
    lua_patterns,
    retry_stream,
    work_stream,
)
from libs.common.tasks import ended

_STALE_CONSUMER_MS = 3_600_000
_ABANDONED_MS = 86_400_000
_TAKEOVER_CHECK_SECONDS = 2.0
Entry = tuple[bytes, dict[bytes, bytes]]


@contextlib.contextmanager
def bus_errors() -> Iterator[None]:
    """Turn whatever a lost, loading, full or flushed Redis raises into BusUnavailable."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise BusUnavailable(f"Redis: {type(error).__name__}", dependency="bus") from error


@dataclass
class Subscription:
    """What a consumer asked for."""

    queue: str
    types: Sequence[str]
    consumer: str
    prefetch: int
    retry_delays: Sequence[float]
    takeover_seconds: float


async def subscribe(redis: Redis, queue: str, types: Sequence[str]) -> None:
    """Make the queue collect events of these types: its consumer group, then its binding."""
    try:
        await redis.xgroup_create(work_stream(queue), GROUP, id="0", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
    await redis.hset(BINDINGS, queue, lua_patterns(types))


@asynccontextmanager
async def open_mailbox(redis: Redis, subscription: Subscription) -> AsyncIterator["RedisMailbox"]:
    """A mailbox whose unsettled entries stay its own while it lives, however slow its handler is."""
    mailbox = RedisMailbox(redis, subscription)
    with bus_errors():
        await subscribe(redis, subscription.queue, subscription.types)
        await mailbox.forget_stale_consumers()
    keeping = asyncio.create_task(mailbox.keep_in_hand())
    try:
        yield mailbox
    finally:
        await ended(keeping)
        with contextlib.suppress(RedisError, OSError):
            await mailbox.hand_back()


@dataclass
class RedisMailbox:
    """The deliveries of one consumer of one queue."""

    redis: Redis
    subscription: Subscription
    _in_hand: set[bytes] = field(default_factory=set)
    _recovering: bool = True
    _next_takeover: float = 0.0

    def __post_init__(self) -> None:
        self._stream = work_stream(self.subscription.queue)

    async def receive(self) -> Sequence[Parcel]:
        with bus_errors():
            wait = await self._promote_retries()
            if parcels := await self._unfinished():
                return parcels
            entries = await self._read(">", self.subscription.prefetch, wait)
            missing = self.subscription.prefetch - len(entries)
            if entries and missing:
                await asyncio.sleep(LINGER_SECONDS)
                entries += await self._read(">", missing, None)
        return self._hand_out([_parcel(entry, 0) for entry in entries])

    async def settle(self, settled: Sequence[Settled]) -> None:
        receipts = [one.parcel.receipt for one in settled]
        with bus_errors():
            async with self.redis.pipeline(transaction=True) as transaction:
                for one in settled:
                    if one.verdict is not Verdict.DONE:
                        transaction.xadd(*self._copy(one))
                transaction.xack(self._stream, GROUP, *receipts)
                transaction.xdel(self._stream, *receipts)
                await transaction.execute()
        self._in_hand.difference_update(receipts)

    async def keep_in_hand(self) -> None:
        """Reset the idle time of what is being handled, so that nobody takes it over from a slow handler."""
        while True:
            await asyncio.sleep(self.subscription.takeover_seconds / 3)
            if self._in_hand:
                with contextlib.suppress(RedisError, OSError):
                    await self._claim_own(idle_ms=0)

    async def hand_back(self) -> None:
        """Leave in good order: what is in hand counts as abandoned at once, an idle consumer is forgotten."""
        if self._in_hand:
            await self._claim_own(idle_ms=_ABANDONED_MS)
        await self.forget(self.subscription.consumer)

    async def _claim_own(self, idle_ms: int) -> None:
        held: list[Any] = list(self._in_hand)
        consumer = self.subscription.consumer
        await self.redis.xclaim(self._stream, GROUP, consumer, 0, held, idle=idle_ms, justid=True)

    async def forget(self, consumer: str) -> None:
        await self.redis.eval(FORGET_CONSUMER, 1, self._stream, GROUP, consumer)

    async def forget_stale_consumers(self) -> None:
        for known in await self.redis.xinfo_consumers(self._stream, GROUP):
            if known["pending"] == 0 and known["idle"] > _STALE_CONSUMER_MS:
                await self.forget(known["name"].decode())

    async def _promote_retries(self) -> float:
        """Move the retries that are due; returns the seconds until more may be, at most IDLE_SECONDS."""
        wait = IDLE_SECONDS
        for delay in dict.fromkeys(self.subscription.retry_delays):
            until_next = await self.redis.eval(
                PROMOTE,
                2,
                retry_stream(self.subscription.queue, delay),
                self._stream,
                round(delay * 1000),
                self.subscription.prefetch,
            )
            if until_next >= 0:
                wait = min(wait, until_next / 1000)
        return wait

    async def _unfinished(self) -> Sequence[Parcel]:
        """What this consumer held before it lost its connection, then what dead consumers left behind."""
        if self._recovering:
            if entries := await self._read("0", self.subscription.prefetch, None):
                return await self._suspects(entries)
            self._recovering = False
        if time.monotonic() < self._next_takeover:
            return []
        entries = await self._take_over()
        if not entries:
            self._next_takeover = time.monotonic() + _TAKEOVER_CHECK_SECONDS
        return await self._suspects(entries)

    async def _take_over(self) -> list[Entry]:
        """Entries that no living consumer vouches for any more."""
        _, entries, *_ = await self.redis.xautoclaim(
            self._stream,
            GROUP,
            self.subscription.consumer,
            min_idle_time=round(self.subscription.takeover_seconds * 1000),
            count=self.subscription.prefetch,
        )
        return [entry for entry in entries if entry[1]]

    async def _suspects(self, entries: Sequence[Entry]) -> Sequence[Parcel]:
        """Entries of dead consumers with the number of deaths; those above the limit are put aside here."""
        if not entries:
            return []
        pending = await self.redis.xpending_range(
            self._stream, GROUP, entries[0][0], entries[-1][0], 10 * len(entries), self.subscription.consumer
        )
        deaths = {one["message_id"]: int(one["times_delivered"]) - 1 for one in pending}
        parcels = [_parcel(entry, deaths.get(entry[0], 0)) for entry in entries]
        reason = "returned too often: its consumers died while handling it"
        fatal = [Settled(one, Verdict.DEAD, reason) for one in parcels if one.redeliveries > CRASH_LIMIT]
        if fatal:
            await self.settle(fatal)
        return self._hand_out([one for one in parcels if one.redeliveries <= CRASH_LIMIT])

    def _hand_out(self, parcels: Sequence[Parcel]) -> Sequence[Parcel]:
        self._in_hand.update(one.receipt for one in parcels)
        return parcels

    async def _read(self, start: str, count: int, wait: float | None) -> list[Entry]:
        block = None if wait is None else max(1, round(wait * 1000))
        reply: Any = await self.redis.xreadgroup(
            GROUP, self.subscription.consumer, {self._stream: start}, count=count, block=block
        )
        entries: list[Entry] = reply[0][1] if reply else []
        return [entry for entry in entries if entry[1]]

    def _copy(self, one: Settled) -> tuple[str, dict[Any, Any]]:
        fields: dict[Any, Any] = {
            "content_type": one.parcel.content_type,
            "body": one.parcel.body,
            "reason": one.reason[:500],
            "attempt": one.parcel.attempt + (1 if one.verdict is Verdict.RETRY else 0),
        }
        if one.verdict is Verdict.RETRY:
            return retry_stream(self.subscription.queue, one.delay_seconds), fields
        return dead_stream(self.subscription.queue), fields | {"died_at": datetime.now(UTC).isoformat()}


def _parcel(entry: Entry, redeliveries: int) -> Parcel:
    entry_id, fields = entry
    return Parcel(
        body=fields.get(b"body", b""),
        content_type=fields.get(b"content_type", b"").decode(errors="replace"),
        attempt=_attempt(fields.get(b"attempt", b"")),
        redeliveries=redeliveries,
        receipt=entry_id,
    )


def _attempt(field: bytes) -> int:
    """The attempt that an entry says; a foreign producer may have said anything."""
    return int(field) if field.isdigit() else 1
