"""One tenant's calls as one group: what is written together, and whose outcome is whose."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray

from libs.common.rpc.claims import Claim
from services.metrics.live.keys import LiveKey
from services.metrics.recording.rows import Rows
from services.metrics.rollups import MINUTE_US, ROLLUP_US, Integers, Rollup, rolled_up

LIVE_SPAN_US: Final = 60 * MINUTE_US  # the widest live window


@dataclass(slots=True)
class Outcome:
    """What became of a call's rows: the places of those whose id was known; the others are stored."""

    duplicates: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Submission:
    """A call that waits for its commit.

    `live_keys` tells for every series of the rows which live metric it counts towards. `respond` makes the
    call's answer; it runs inside the transaction, because the answer to an idempotency key commits with its
    effect.
    """

    tenant_id: UUID
    rows: Rows
    live_keys: Mapping[int, LiveKey]
    claim: Claim | None
    respond: Callable[[Outcome], Message]
    replay: Callable[[bytes], Message]


@dataclass(slots=True)
class Group:
    """Rows of several calls of one tenant, and which call each came from."""

    tenant_id: UUID
    rows: Rows
    owners: Integers
    live_keys: dict[int, LiveKey]

    @classmethod
    def of(cls, submissions: Sequence[Submission]) -> "Group":
        live_keys: dict[int, LiveKey] = {}
        for submission in submissions:
            live_keys.update(submission.live_keys)
        return cls(
            tenant_id=submissions[0].tenant_id,
            rows=Rows.joined([submission.rows for submission in submissions]),
            owners=np.repeat(
                np.arange(len(submissions), dtype=np.int64),
                [len(submission.rows) for submission in submissions],
            ),
            live_keys=live_keys,
        )

    def repeated_ids(self) -> NDArray[np.bool_]:
        """Which rows carry a metric id that an earlier row of the group carries already."""
        metric_ids = self.rows.metric_ids
        repeated = np.zeros(len(self.rows), bool)
        if len(set(metric_ids)) != len(metric_ids):
            seen: set[bytes] = set()
            for place, metric_id in enumerate(metric_ids):
                if metric_id:
                    repeated[place] = metric_id in seen
                    seen.add(metric_id)
        return repeated

    def with_ids(self, metric_ids: set[bytes]) -> NDArray[np.bool_]:
        """Which rows carry one of these ids."""
        if not metric_ids:
            return np.zeros(len(self.rows), bool)
        return np.fromiter(map(metric_ids.__contains__, self.rows.metric_ids), bool, len(self.rows))

    def without(self, dropped: NDArray[np.bool_]) -> Rows:
        return self.rows.only(~dropped) if dropped.any() else self.rows

    def outcomes(self, count: int, duplicates: NDArray[np.bool_]) -> list[Outcome]:
        """The outcome of each of `count` calls."""
        outcomes = [Outcome() for _ in range(count)]
        for place in np.flatnonzero(duplicates).tolist():
            outcomes[self.owners[place]].duplicates.append(int(self.rows.positions[place]))
        return outcomes


def series_rollup(rows: Rows) -> Rollup:
    """What the rows add to the 15-minute rollups, keyed by series."""
    return rolled_up(rows.series, rows.times, rows.values, ROLLUP_US)


def live_rollup(
    rows: Rows, live_keys: Mapping[int, LiveKey], now_us: int
) -> tuple[list[LiveKey], Rollup] | None:
    """What recent rows add to the live minutes, keyed by place in the sorted list of live metrics.

    Args:
        rows: Rows of one tenant.
        live_keys: The live metric of every series.
        now_us: Microseconds since 1970; older rows than the widest live window are left out.
    """
    recent = rows.times >= now_us - now_us % MINUTE_US - LIVE_SPAN_US
    if not recent.any():
        return None
    series, inverse = np.unique(rows.series[recent], return_inverse=True)
    of_series = [live_keys[one] for one in series.tolist()]
    keys = sorted(set(of_series))
    place = {key: at for at, key in enumerate(keys)}
    numbers = np.array([place[key] for key in of_series], np.int64)[inverse]
    return keys, rolled_up(numbers, rows.times[recent], rows.values[recent], MINUTE_US)
