"""Segments: one for each pair of a recency score and a joint score of frequency and monetary value."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.customers.rfm.scoring import Scores

_Integers = NDArray[np.int64]


class Segment(StrEnum):
    """Segments as paths and fields spell them; `label` as people read them."""

    CHAMPIONS = "champions"
    LOYAL = "loyal"
    POTENTIAL_LOYALIST = "potential_loyalist"
    NEW = "new"
    PROMISING = "promising"
    NEEDS_ATTENTION = "needs_attention"
    ABOUT_TO_SLEEP = "about_to_sleep"
    AT_RISK = "at_risk"
    CANT_LOSE = "cant_lose"
    HIBERNATING = "hibernating"
    LOST = "lost"

    @property
    def label(self) -> str:
        if self is Segment.CANT_LOSE:
            return "Can't Lose"
        return self.value.replace("_", " ").title().replace(" To ", " to ")


class Status(StrEnum):
    """The coarse word of a profile."""

    VIP = "VIP"
    NEW = "New"
    LOST = "Lost"
    AT_RISK = "At-Risk"
    REGULAR = "Regular"


SEGMENTS: Final = tuple(Segment)
"""Segments by the number that `segment_numbers` gives."""

_MAP: Final[Mapping[int, Sequence[Segment]]] = {
    5: (Segment.NEW, *[Segment.POTENTIAL_LOYALIST] * 2, *[Segment.CHAMPIONS] * 2),
    4: (Segment.PROMISING, *[Segment.POTENTIAL_LOYALIST] * 2, *[Segment.LOYAL] * 2),
    3: (*[Segment.ABOUT_TO_SLEEP] * 2, Segment.NEEDS_ATTENTION, *[Segment.LOYAL] * 2),
    2: (*[Segment.HIBERNATING] * 2, *[Segment.AT_RISK] * 2, Segment.CANT_LOSE),
    1: (Segment.LOST, Segment.HIBERNATING, *[Segment.AT_RISK] * 2, Segment.CANT_LOSE),
}
_NUMBERS: Final = np.array(
    [[SEGMENTS.index(segment) for segment in _MAP[recency]] for recency in range(1, 6)], np.int64
)
_STATUS: Final[Mapping[Segment, Status]] = {
    Segment.CHAMPIONS: Status.VIP,
    Segment.NEW: Status.NEW,
    Segment.PROMISING: Status.NEW,
    Segment.LOST: Status.LOST,
    Segment.HIBERNATING: Status.LOST,
    Segment.AT_RISK: Status.AT_RISK,
    Segment.CANT_LOSE: Status.AT_RISK,
    Segment.ABOUT_TO_SLEEP: Status.AT_RISK,
}


def segment_numbers(scores: Scores) -> _Integers:
    """The place in `SEGMENTS` of each customer's segment."""
    return np.asarray(_NUMBERS[scores.recency - 1, _joint(scores.frequency, scores.monetary) - 1])


def segment(recency: int, frequency: int, monetary: int) -> Segment:
    """The segment of these three scores, each 1 to 5."""
    return _MAP[recency][(frequency + monetary + 1) // 2 - 1]


def status(found: Segment, monetary: int) -> Status:
    """The coarse status: a customer one can't lose is a VIP at monetary score 5, and at risk below it."""
    if found is Segment.CANT_LOSE and monetary == 5:
        return Status.VIP
    return _STATUS.get(found, Status.REGULAR)


def _joint(frequency: _Integers, monetary: _Integers) -> _Integers:
    """The mean of both scores, halves rounded up."""
    return (frequency + monetary + 1) // 2
