"""What producers and consumers may rely on, whatever broker is behind it.

Delivery is at least once and in no promised order: handlers commute and claim events in their inbox.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.errors import AnalyticsError, DependencyUnavailable, Kind

DEFAULT_RETRY_DELAYS = (1.0, 5.0, 30.0, 120.0)
DEFAULT_MAX_DELIVERIES = 6
DEFAULT_PREFETCH = 100
# A process that dies while it handles an event tells nobody why; after so many deaths the event is put aside.
CRASH_LIMIT = 20


class BusUnavailable(DependencyUnavailable):
    """The broker cannot be reached, or did not confirm in time: the events may or may not be on it."""

    reason = "BUS_UNAVAILABLE"


class NoSubscriber(AnalyticsError):
    """No queue takes this type of event yet: it was not stored, so the producer keeps it and tries again."""

    kind = Kind.UNAVAILABLE
    reason = "BUS_NO_SUBSCRIBER"


class BacklogFull(AnalyticsError):
    """A queue refuses more events until its consumers catch up."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "BUS_BACKLOG_FULL"


class UnreadableEvent(AnalyticsError):
    """The message is no event: it does not decode, or its type and its payload disagree."""

    kind = Kind.INVALID_ARGUMENT
    reason = "UNREADABLE_EVENT"


class Verdict(Enum):
    """What becomes of one delivery."""

    DONE = "done"
    RETRY = "retry"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Settlement:
    """A handler's decision about one delivery; `reason` says why it is not done."""

    verdict: Verdict
    reason: str = ""


DONE = Settlement(Verdict.DONE)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event as a handler gets it; `attempt` is 1 at first and grows with every retry."""

    event: Event
    attempt: int


BatchHandler = Callable[[Sequence[Delivery]], Awaitable[Sequence[Settlement]]]
"""Settles each delivery, in order. Raising DependencyUnavailable keeps the batch in hand until the dependency
is back, without using up attempts; raising anything else is a retry of every delivery in the batch."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was put aside, with the reason; `event` is None when the message does not decode."""

    event: Event | None
    reason: str
    attempt: int
    died_at: datetime | None


class Consumer(Protocol):
    """A running subscription."""

    async def run(self) -> None:
        """Handle deliveries until `stop`, through any number of broker outages."""

    def stop(self) -> None:
        """Let the batch in hand finish, then let `run` return."""


class Bus(Protocol):
    """A broker that keeps every confirmed event until each subscribed queue has settled it."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Return when every event is durable on every queue that takes its type.

        Raises:
            BusUnavailable: Not all were confirmed; publishing all of them again is safe.
            NoSubscriber: At least one event has no queue; others may have arrived.
            BacklogFull: At least one queue is full.
        """

    def consume(
        self,
        queue: str,
        *,
        types: Sequence[str],
        handler: BatchHandler,
        prefetch: int = DEFAULT_PREFETCH,
        retry_delays: Sequence[float] = DEFAULT_RETRY_DELAYS,
        max_deliveries: int = DEFAULT_MAX_DELIVERIES,
    ) -> Consumer:
        """A consumer of the events whose type matches one of `types` (`*` one word, `#` any).

        Args:
            queue: `<service>.<purpose>`; consumers of the same queue share its events.
            types: Routing patterns such as `order.completed`, `event.*` or `#`.
            handler: Gets up to `prefetch` deliveries at once.
            prefetch: Most unsettled deliveries this consumer holds.
            retry_delays: Seconds before the second, third, ... attempt; the last one repeats.
            max_deliveries: Attempts after which the event goes to the dead letters.
        """

    async def subscribe(self, queue: str, *, types: Sequence[str]) -> None:
        """Make the queue exist, so that it collects events before its consumer runs."""

    async def unsubscribe(self, queue: str, *, retry_delays: Sequence[float] = DEFAULT_RETRY_DELAYS) -> None:
        """Delete a queue that nobody will consume again, with everything in it and its dead letters."""

    async def list_dead(self, queue: str, *, limit: int = 100) -> list[DeadLetter]:
        """The oldest dead letters of a queue; looking changes nothing."""

    async def replay_dead(
        self, queue: str, *, event_ids: Collection[str] | None = None, limit: int = 1000
    ) -> int:
        """Give dead letters back to their queue as first attempts; returns how many."""

    async def check(self) -> None:
        """Return when the broker answers, else raise BusUnavailable."""

    async def close(self) -> None:
        """Give up every connection."""
