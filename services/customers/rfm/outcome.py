"""What a run finds at one place: everyone's scores, and how they differ from those that stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.customers.rfm.copy_rows import EPOCH_DAY
from services.customers.rfm.cut_points import CutPoints, cut_points
from services.customers.rfm.moves import Move, Run, moves
from services.customers.rfm.ranking import ranked
from services.customers.rfm.sales import Integers, People
from services.customers.rfm.scoring import Scores
from services.customers.rfm.segments import SEGMENTS, segment_numbers

MEASURES: Final = ("recency", "frequency", "monetary")


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Rows that stand, by rising id, as columns named like those of `People` where they mean the same."""

    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.columns["high"])

    @property
    def scores(self) -> Scores:
        recency, frequency, monetary = (self.columns[name].astype(np.int64) for name in MEASURES)
        return Scores(recency, frequency, monetary, by_fixed_bounds=False)


class Total(NamedTuple):
    """What a segment's customers of one main currency come to; `spend` is all members' in the currency."""

    segment: str
    currency: str
    customers: int
    orders: int
    spend: int
    last_days: int
    """Sum of days since 2000-01-01."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a run writes.

    Attributes:
        people: Everyone, by rising id.
        scores: Their scores.
        segments: Place in `SEGMENTS` of each.
        changed: Rows whose stored row differs or is missing.
        gone: Rows of `Standing` that nobody stands behind any more.
        moved: Who changed segment; their numbers are places in `ids`.
        ids: Halves of ids by number.
        totals: Sums by segment and main currency.
        cuts: Cut points by measure; the recency is ranked by the day of the last purchase.
    """

    people: People
    scores: Scores
    segments: Integers
    changed: Integers
    gone: Integers
    moved: Sequence[Move]
    ids: tuple[NDArray[np.uint64], NDArray[np.uint64]]
    totals: Sequence[Total]
    cuts: Mapping[str, CutPoints]


def outcome_of(people: People, standing: Standing, as_of_day: date, *, is_first: bool) -> Outcome:
    """Scores of everyone at a place, and what they change.

    Args:
        people: Who has bought there.
        standing: What is stored of the place.
        as_of_day: The local day that looks back.
        is_first: No run was there before, so that nobody has moved.
    """
    scores = ranked(people, as_of_day)
    segments = segment_numbers(scores)
    known, after, before, ids = _matched(people, standing)
    was = Run(before, standing.scores)
    now = Run(after, scores)
    return Outcome(
        people=people,
        scores=scores,
        segments=segments,
        changed=np.flatnonzero(_differs(people, scores, standing, known)),
        gone=np.flatnonzero(~np.isin(before, after, assume_unique=True)),
        moved=() if is_first else moves(was, now),
        ids=ids,
        totals=totals_of(people, segments),
        cuts={
            "recency": cut_points(people.last_day),
            "frequency": cut_points(people.orders),
            "monetary": cut_points(people.spend),
        },
    )


def totals_of(people: People, segments: Integers) -> list[Total]:
    """Sums over people by their segment and main currency."""
    width = max(len(people.currencies), 1)
    cell = segments * width + people.currency
    size = len(SEGMENTS) * width
    counts = np.bincount(cell, minlength=size)
    sums = {}
    for name, column in (
        ("orders", people.orders),
        ("spend", people.spend),
        ("days", people.last_day - EPOCH_DAY),
    ):
        sums[name] = np.zeros(size, np.int64)
        np.add.at(sums[name], cell, column)
    for row, others in people.others.items():
        for currency, spend in others.items():
            sums["spend"][segments[row] * width + people.currencies.index(currency)] += spend
    return [
        Total(
            SEGMENTS[place // width].value,
            people.currencies[place % width],
            int(counts[place]),
            int(sums["orders"][place]),
            int(sums["spend"][place]),
            int(sums["days"][place]),
        )
        for place in np.flatnonzero((counts > 0) | (sums["spend"] != 0)).tolist()
    ]


def _matched(
    people: People, standing: Standing
) -> tuple[Integers, Integers, Integers, tuple[NDArray[np.uint64], NDArray[np.uint64]]]:
    """For each person the stored row or -1; numbers of the people and of the rows; ids by number."""
    high = np.concatenate([people.high, standing.columns["high"]])
    low = np.concatenate([people.low, standing.columns["low"]])
    order = np.lexsort((low, high))
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (high[order][1:] != high[order][:-1]) | (low[order][1:] != low[order][:-1])
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.cumsum(fresh) - 1
    after, before = numbers[: len(people)], numbers[len(people) :]
    stored = np.full(int(fresh.sum()), -1, np.int64)
    stored[before] = np.arange(len(standing))
    firsts = order[fresh]
    return stored[after], after, before, (high[firsts], low[firsts])


def _differs(people: People, scores: Scores, standing: Standing, known: Integers) -> NDArray[np.bool_]:
    rows = np.flatnonzero(known >= 0)
    at = known[rows]
    stored = standing.columns
    same = ~stored["is_incremental"][at].astype(np.bool_) & ~stored["has_others"][at].astype(np.bool_)
    codes = np.array([code.encode() for code in people.currencies] or [b""], "S3")
    same &= codes[people.currency[rows]] == stored["currency"][at]
    for name in ("last_us", "last_day", "orders", "spend", "newest_us"):
        same &= getattr(people, name)[rows] == stored[name][at]
    for name in MEASURES:
        same &= getattr(scores, name)[rows] == stored[name][at]
    differs = np.ones(len(people), np.bool_)
    differs[rows] = ~same
    differs[list(people.others)] = True
    return differs
