"""Moves: who changed segment between two runs, and which scores made them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.customers.rfm.scoring import Scores
from services.customers.rfm.segments import SEGMENTS, Segment, segment_numbers


@dataclass(frozen=True, slots=True)
class Run:
    """One calculation: customer numbers, rising and distinct, and their scores."""

    customers: NDArray[np.int64]
    scores: Scores


class Change(NamedTuple):
    """A score that moved: "recency", "frequency" or "monetary"."""

    score: str
    before: int
    after: int


class Move(NamedTuple):
    """A customer in another segment than before; None where only one of the runs knows the customer.

    `changes` are the scores that differ: the reason. Empty for someone who came or left.
    """

    customer: int
    before: Segment | None
    after: Segment | None
    changes: tuple[Change, ...]


def moves(before: Run, after: Run) -> list[Move]:
    """Everyone whose segment differs between two runs, by customer number.

    A score ranks a customer among all others, so one may move though the customer did nothing.
    """
    shared, old, new = np.intersect1d(
        before.customers, after.customers, assume_unique=True, return_indices=True
    )
    was, now = segment_numbers(before.scores), segment_numbers(after.scores)
    differ = was[old] != now[new]
    found = [
        Move(int(customer), SEGMENTS[was[row]], SEGMENTS[now[place]], _changes(before, row, after, place))
        for customer, row, place in zip(shared[differ], old[differ], new[differ], strict=True)
    ]
    gone = ~np.isin(before.customers, shared, assume_unique=True)
    come = ~np.isin(after.customers, shared, assume_unique=True)
    found += (
        Move(int(customer), SEGMENTS[number], None, ())
        for customer, number in zip(before.customers[gone], was[gone], strict=True)
    )
    found += (
        Move(int(customer), None, SEGMENTS[number], ())
        for customer, number in zip(after.customers[come], now[come], strict=True)
    )
    return sorted(found, key=lambda move: move.customer)


def _changes(before: Run, row: int, after: Run, place: int) -> tuple[Change, ...]:
    pairs = (
        ("recency", before.scores.recency[row], after.scores.recency[place]),
        ("frequency", before.scores.frequency[row], after.scores.frequency[place]),
        ("monetary", before.scores.monetary[row], after.scores.monetary[place]),
    )
    return tuple(Change(name, int(old), int(new)) for name, old, new in pairs if old != new)
