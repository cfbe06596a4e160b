"""Where a customer stands among a venue's segments, and from where they came."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.customers.rfm.reader import StoredMove, StoredScore
from services.customers.rfm.segments import Segment

_RANKS: Final = {
    Segment.CHAMPIONS: 4,
    Segment.LOYAL: 3,
    Segment.POTENTIAL_LOYALIST: 3,
    Segment.NEW: 2,
    Segment.PROMISING: 2,
    Segment.NEEDS_ATTENTION: 2,
    Segment.ABOUT_TO_SLEEP: 1,
    Segment.AT_RISK: 1,
    Segment.CANT_LOSE: 1,
    Segment.HIBERNATING: 0,
    Segment.LOST: 0,
}
"""Which segments are better: a move to another of the same rank is no news."""
_VIP_SCORE: Final = 5
_VIP_FREQUENCY: Final = 4


@dataclass(frozen=True, slots=True)
class Standing:
    """A customer's segment, and the latest move into it; `before` None: none lately.

    `is_vip` looks at money and frequency alone: who was silent for long is a VIP no less.
    """

    segment: Segment
    is_vip: bool
    before: Segment | None
    moved_at: datetime | None
    rank_change: int
    purchase_count: int
    computed_at: datetime


def standing_of(score: StoredScore, move: StoredMove | None) -> Standing:
    """The standing that stored scores and the latest move tell."""
    before = None if move is None or move.before is None else Segment(move.before)
    return Standing(
        segment=score.segment,
        is_vip=score.m >= _VIP_SCORE and score.f >= _VIP_FREQUENCY,
        before=before,
        moved_at=None if move is None else move.moved_at,
        rank_change=0 if before is None else _RANKS[score.segment] - _RANKS[before],
        purchase_count=score.frequency,
        computed_at=score.scored_at,
    )
