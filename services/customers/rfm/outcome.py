"""What a run finds at one place: everyone's scores, and how they differ from those that stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.customers.rfm.copy_rows import EPOCH_DAY
from services.customers.rfm.cut_points import CutPoints, cut_points
from services.customers.rfm.moves import Move, Run, moves
from services.customers.rfm.ranking import ranked
from services.customers.rfm.sales import Integers, People, uuid_of
from services.customers.rfm.scoring import FEWEST_RANKED, Scores
from services.customers.rfm.segments import SEGMENTS, segment_numbers

Ids = tuple[NDArray[np.uint64], NDArray[np.uint64]]
"""Upper and lower halves of ids."""

_NOBODY: Final[Ids] = (np.empty(0, np.uint64), np.empty(0, np.uint64))
RANKED: Final = {"recency": "last_day", "frequency": "orders", "monetary": "spend"}
"""By measure, the column of `People` that it ranks: the later the day, the fewer days ago."""
MEASURES: Final = tuple(RANKED)


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Rows that stand, by rising id, as columns named like those of `People` where they mean the same."""

    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.columns["high"])

    def equals(self, other: "Standing") -> bool:
        """Whether the same people stand with the same figures and scores."""
        return all(np.array_equal(column, other.columns[name]) for name, column in self.columns.items())

    def ids(self, rows: NDArray[np.int64]) -> list[UUID]:
        """Whose rows these are."""
        halves = zip(self.columns["high"][rows], self.columns["low"][rows], strict=True)
        return [uuid_of(*one) for one in halves]

    def totals(self, others: Mapping[int, Mapping[str, int]]) -> list["Total"]:
        """Sums over the rows by segment and main currency; `others` is the spend beside that, by row."""
        main = self.columns["currency"]
        codes = np.unique([*main, *(code.encode() for one in others.values() for code in one)])
        measured = {name: self.columns[name] for name in ("last_us", "newest_us", *RANKED.values())}
        people = People(
            high=self.columns["high"],
            low=self.columns["low"],
            currency=np.searchsorted(codes, main),
            others=others,
            currencies=tuple(code.decode() for code in codes.tolist()),
            **measured,
        )
        return totals_of(people, segment_numbers(self.scores))

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
        people: Everyone, or those whose rows may differ, by rising id.
        scores: Their scores.
        segments: Place in `SEGMENTS` of each.
        changed: Rows whose stored row differs or is missing.
        gone: Rows of `Standing` that nobody stands behind any more.
        moved: Who changed segment; their numbers are places in `ids`.
        ids: Halves of ids by number.
        totals: Sums over the people by segment and main currency.
        cuts: Cut points by measure, of everyone.
    """

    people: People
    scores: Scores
    segments: Integers
    changed: Integers
    gone: Integers
    moved: Sequence[Move]
    ids: Ids
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
    figures = {column: getattr(people, column) for column in RANKED.values()}
    cuts = cuts_of(figures)
    scores = scores_by(cuts, figures) if len(people) >= FEWEST_RANKED else ranked(people, as_of_day)
    return compared(people, standing, scores, cuts, is_first=is_first)


def compared(
    people: People, standing: Standing, scores: Scores, cuts: Mapping[str, CutPoints], *, is_first: bool
) -> Outcome:
    """How these people's scores differ from the rows that stand of them, as `outcome_of` says."""
    segments = segment_numbers(scores)
    known = _known(people, standing)
    stands = np.zeros(len(standing), np.bool_)
    stands[known[known >= 0]] = True
    moved, ids = ((), _NOBODY) if is_first else _moved(people, scores, standing, known, ~stands)
    return Outcome(
        people=people,
        scores=scores,
        segments=segments,
        changed=np.flatnonzero(_differs(people, scores, standing, known)),
        gone=np.flatnonzero(~stands),
        moved=moved,
        ids=ids,
        totals=totals_of(people, segments),
        cuts=cuts,
    )


def cuts_of(figures: Mapping[str, Integers]) -> dict[str, CutPoints]:
    """Cut points by measure, of everyone's figures by the names of `People`."""
    return {name: cut_points(figures[column]) for name, column in RANKED.items()}


def scores_by(cuts: Mapping[str, CutPoints], figures: Mapping[str, Integers]) -> Scores:
    """Scores of figures that are among those that the cut points are of, five at least."""
    recency, frequency, monetary = (
        1 + np.searchsorted(cuts[name].bounds, figures[column], side="right").astype(np.int64)
        for name, column in RANKED.items()
    )
    return Scores(recency, frequency, monetary, by_fixed_bounds=False)


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


def difference(after: Sequence[Total], before: Sequence[Total]) -> list[Total]:
    """What has to be added to the sums before to come to those after."""
    sums: dict[tuple[str, str], list[int]] = {}
    for totals, sign in ((after, 1), (before, -1)):
        for segment, currency, *figures in totals:
            kept = sums.get((segment, currency), [0] * len(figures))
            sums[segment, currency] = [one + sign * each for one, each in zip(kept, figures, strict=True)]
    return [Total(*key, *figures) for key, figures in sorted(sums.items()) if any(figures)]


def _known(people: People, standing: Standing) -> Integers:
    """The stored row of each person; -1: none."""
    high, low = standing.columns["high"], standing.columns["low"]
    if (high[1:] == high[:-1]).any():
        return _known_by_both_halves(people, standing)
    if not len(high):
        return np.full(len(people), -1, np.int64)
    found = np.searchsorted(high, people.high)
    found[found == len(high)] = 0
    return np.where((high[found] == people.high) & (low[found] == people.low), found, -1)


def _known_by_both_halves(people: People, standing: Standing) -> Integers:
    """As `_known`, where upper halves alone do not tell people apart."""
    after, before, ids = _numbered(
        (people.high, people.low), (standing.columns["high"], standing.columns["low"])
    )
    stored = np.full(len(ids[0]), -1, np.int64)
    stored[before] = np.arange(len(standing))
    return stored[after]


def _moved(
    people: People, scores: Scores, standing: Standing, known: Integers, is_gone: NDArray[np.bool_]
) -> tuple[Sequence[Move], Ids]:
    """Who is in another segment than before, and the ids behind their numbers."""
    was, now = segment_numbers(standing.scores), segment_numbers(scores)
    differs = known < 0
    differs[~differs] = was[known[~differs]] != now[~differs]
    rows = np.flatnonzero(differs)
    old = np.concatenate([known[rows][known[rows] >= 0], np.flatnonzero(is_gone)])
    after, before, ids = _numbered(
        (people.high[rows], people.low[rows]), (standing.columns["high"][old], standing.columns["low"][old])
    )
    return moves(Run(before, standing.scores.only(old)), Run(after, scores.only(rows))), ids


def _numbered(first: Ids, second: Ids) -> tuple[Integers, Integers, Ids]:
    """Numbers of two sets of ids, the same for the same id, and the ids by number."""
    high = np.concatenate([first[0], second[0]])
    low = np.concatenate([first[1], second[1]])
    order = np.lexsort((low, high))
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (high[order][1:] != high[order][:-1]) | (low[order][1:] != low[order][:-1])
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.cumsum(fresh) - 1
    firsts = order[fresh]
    return numbers[: len(first[0])], numbers[len(first[0]) :], (high[firsts], low[firsts])


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
