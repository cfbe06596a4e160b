"""Increments of counters, and what a row of them does one after another."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from google.protobuf.message import Message

from libs.common.errors import AnalyticsError
from libs.common.rpc.claims import Claim
from services.metrics.errors import CounterOverflow

_VALUES: Final = range(-(2**31), 2**31)


class CounterKey(NamedTuple):
    """A counter of one tenant: ordered, so that writers lock them in one order."""

    venue_id: UUID
    counter_type: str


class Counter(NamedTuple):
    """A counter's value; `updated_at` is None while no increment has changed it."""

    value: int = 0
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Increment:
    """A call that waits for its commit.

    `respond` makes the call's answer; it runs inside the transaction, because the answer to an idempotency
    key commits with its effect.
    """

    tenant_id: UUID
    key: CounterKey
    amount: int
    claim: Claim | None
    respond: Callable[[Counter], Message]
    replay: Callable[[bytes], Message]


def applied(
    counters: dict[CounterKey, Counter], increments: Iterable[Increment], now: datetime
) -> dict[Increment, Counter | AnalyticsError]:
    """What each increment finds once it is added, in their order; `counters` is brought up to date.

    One that would leave 32 bits adds nothing, and neither does 0. Counters that are missing stand at 0.
    """
    found: dict[Increment, Counter | AnalyticsError] = {}
    for increment in increments:
        before = counters.get(increment.key, Counter())
        value = before.value + increment.amount
        if value not in _VALUES:
            found[increment] = CounterOverflow(
                "the sum would leave 32 bits; nothing was added", value=before.value
            )
        elif increment.amount == 0:
            found[increment] = before
        else:
            updated_at = now if before.updated_at is None else max(now, before.updated_at)
            found[increment] = counters[increment.key] = Counter(value, updated_at)
    return found
