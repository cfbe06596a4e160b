"""A venue's feed in Redis: a stream of changed live metrics in absolute values, and the epoch of its ids."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

import redis.asyncio as redis
from redis.exceptions import ResponseError
from tickettoken.metrics.v1 import live_pb2

from libs.common.sealing import Seal, SealBroken
from services.metrics.errors import ResumeExpired, ResumeTokenInvalid
from services.metrics.live.keys import LiveKey

_FIELD: Final = b"u"
# A stream that expired would forget what it deleted: the epoch goes first, and with it every resume token.
_EPOCH_SECONDS: Final = 24 * 3600
_STREAM_SECONDS: Final = 26 * 3600
_PAGE: Final = 512
_MESSAGE_METRICS: Final = 200  # one message may hold what one tick changed, but not without bound
_SEQUENCE_BITS: Final = 20

# Versions of a metric only grow along a stream: what it has told already, or something newer, is left out.
# One script, so that no two publishers can pass each other between the look and the message. Metrics arrive
# as messages of one update each; several in a row are one message of them all.
_PUBLISH: Final = """
local parts = {}
local function append()
  if #parts > 0 then
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'u', table.concat(parts))
    parts = {}
  end
end
for at = 5, #ARGV, 3 do
  local told = redis.call('HGET', KEYS[3], ARGV[at])
  if not told or tonumber(told) < tonumber(ARGV[at + 1]) then
    redis.call('HSET', KEYS[3], ARGV[at], ARGV[at + 1])
    parts[#parts + 1] = ARGV[at + 2]
    if #parts == tonumber(ARGV[2]) then append() end
  end
end
append()
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call('EXPIRE', KEYS[3], ARGV[3])
"""


class StreamId(NamedTuple):
    """Position in a Redis stream."""

    milliseconds: int
    sequence: int

    @classmethod
    def parsed(cls, text: bytes | str) -> "StreamId":
        milliseconds, _, sequence = (text.decode() if isinstance(text, bytes) else text).partition("-")
        return cls(int(milliseconds), int(sequence))

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.sequence}"

    @property
    def ordinal(self) -> int:
        """The position as one number; a feed has fewer than a million messages a millisecond."""
        return self.milliseconds << _SEQUENCE_BITS | self.sequence


@dataclass(frozen=True, slots=True)
class FeedName:
    """Whose feed it is, and the keys it has in Redis."""

    tenant_id: UUID
    venue_id: UUID

    @property
    def stream(self) -> str:
        return f"realtime:{self.tenant_id}:metrics:feed:{self.venue_id}"

    @property
    def epoch(self) -> str:
        return f"realtime:{self.tenant_id}:metrics:feed-epoch:{self.venue_id}"

    @property
    def published(self) -> str:
        return f"realtime:{self.tenant_id}:metrics:feed-published:{self.venue_id}"


class Feeds:
    """Access to the feeds of all venues.

    Args:
        client: Redis with binary answers.
        length: Messages a stream keeps, about.
    """

    def __init__(self, client: "redis.Redis", *, length: int) -> None:
        self._redis: Any = client
        self._length = length
        self._publish = self._redis.register_script(_PUBLISH)

    async def publish(self, updates: Mapping[FeedName, Sequence[live_pb2.LiveMetric]]) -> None:
        """Append what is newer than the feed: a message a venue, or several of many changes."""
        for name, metrics in updates.items():
            told: list[bytes | str | int] = [self._length, _MESSAGE_METRICS, _STREAM_SECONDS, _EPOCH_SECONDS]
            for one in metrics:
                part = live_pb2.WatchVenueMetricsResponse(updates=[one]).SerializeToString()
                told.extend((_published_field(one.metric_type, one.currency), one.version, part))
            await self._publish(keys=[name.stream, name.epoch, name.published], args=told)

    async def published_versions(self, wanted: Mapping[FeedName, Sequence[LiveKey]]) -> dict[LiveKey, int]:
        """The last published version of each live metric; 0 where none is known."""
        pipeline = self._redis.pipeline(transaction=False)
        for name, keys in wanted.items():
            pipeline.hmget(name.published, [_published_field(key.metric_type, key.currency) for key in keys])
        answers = await pipeline.execute()
        return {
            key: int(version or 0)
            for keys, versions in zip(wanted.values(), answers, strict=True)
            for key, version in zip(keys, versions, strict=True)
        }

    async def epoch(self, name: FeedName) -> bytes:
        """The feed's epoch: made by its first reader, gone when Redis forgets."""
        await self._redis.set(name.epoch, secrets.token_bytes(8), nx=True, ex=_EPOCH_SECONDS)
        found: bytes | None = await self._redis.get(name.epoch)
        return found or b""

    async def end(self, name: FeedName) -> StreamId:
        """The id of the newest message there ever was."""
        try:
            facts = await self._redis.xinfo_stream(name.stream)
        except ResponseError:  # no such stream yet
            return StreamId(0, 0)
        return StreamId.parsed(facts["last-generated-id"])

    async def read(
        self, positions: Mapping[str, StreamId], *, block_seconds: float
    ) -> list[tuple[str, list[tuple[StreamId, live_pb2.WatchVenueMetricsResponse]]]]:
        """New messages of these streams after these positions; waits for the first one a while."""
        answer = await self._redis.xread(
            {key: str(position) for key, position in positions.items()},
            count=_PAGE,
            block=max(1, round(block_seconds * 1000)),
        )
        streams = answer.items() if isinstance(answer, dict) else answer or ()
        return [(key.decode(), [_message(entry) for entry in _flat(entries)]) for key, entries in streams]

    async def changed_between(self, name: FeedName, after: StreamId, until: StreamId) -> set[LiveKey]:
        """Live metrics that have messages after one id up to another.

        Raises:
            ResumeExpired: Some of those messages are no longer kept.
        """
        if until <= after:
            return set()
        changed: set[LiveKey] = set()
        start = f"({after}"
        while page := await self._redis.xrange(name.stream, min=start, max=str(until), count=_PAGE):
            for position, message in map(_message, page):
                changed.update(
                    LiveKey(name.venue_id, one.metric_type, one.currency) for one in message.updates
                )
                start = f"({position}"
        try:
            facts = await self._redis.xinfo_stream(name.stream)
        except ResponseError as error:
            raise _expired() from error
        first = facts["first-entry"]
        is_trimmed = facts["entries-added"] > facts["length"]
        if is_trimmed and (first is None or StreamId.parsed(first[0]) > after):
            raise _expired()
        return changed


class ResumePoint(NamedTuple):
    """What a stream has been told: the feed up to a position, and windows as of a minute (of 1970)."""

    position: StreamId
    minute: int


class ResumeTokens:
    """Positions in feeds as opaque text, bound to tenant and venue.

    Args:
        key: 32 bytes, the same on every replica.
    """

    def __init__(self, key: bytes) -> None:
        self._seal = Seal(key)

    def make(self, name: FeedName, epoch: bytes, resume: ResumePoint) -> str:
        text = f"{resume.position}@{resume.minute}"
        return self._seal.close(epoch + text.encode(), bound_to=_binding(name))

    def read(self, name: FeedName, epoch: bytes, token: str) -> ResumePoint:
        """What a token stands for.

        Raises:
            ResumeTokenInvalid: It was not made for this tenant and venue.
            ResumeExpired: It was made before Redis forgot the feed.
        """
        try:
            payload = self._seal.open(token, bound_to=_binding(name))
        except SealBroken as error:
            raise ResumeTokenInvalid("resumeToken: not a token of this venue's feed") from error
        if payload[: len(epoch)] != epoch or not epoch:
            raise _expired()
        position, _, minute = payload[len(epoch) :].partition(b"@")
        return ResumePoint(StreamId.parsed(position), int(minute))


def _expired() -> ResumeExpired:
    return ResumeExpired("the feed no longer holds everything since this token; start again without one")


def _binding(name: FeedName) -> bytes:
    return b"live-feed" + name.tenant_id.bytes + name.venue_id.bytes


def _published_field(metric_type: str, currency: str) -> str:
    return f"{metric_type}|{currency}"


def _message(
    entry: tuple[bytes, Mapping[bytes, bytes]],
) -> tuple[StreamId, live_pb2.WatchVenueMetricsResponse]:
    position, fields = entry
    return StreamId.parsed(position), live_pb2.WatchVenueMetricsResponse.FromString(fields[_FIELD])


def _flat(entries: Any) -> Any:
    """RESP3 answers wrap the entries of a stream once more than RESP2 answers do."""
    return entries[0] if entries and isinstance(entries[0], list) else entries
