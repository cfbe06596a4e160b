"""Scores and moves as messages of the contract."""

from collections.abc import Sequence

from tickettoken.customers.v1 import rfm_pb2

from libs.common.amounts import money_message
from libs.common.moments import timestamp_of
from services.customers.rfm.reader import StoredMove, StoredScore


def scores_message(score: StoredScore) -> rfm_pb2.RfmScores:
    return rfm_pb2.RfmScores(
        recency_days=score.recency_days,
        order_count=score.frequency,
        spend=money_message(score.monetary_minor, score.currency),
        other_spends=[money_message(spend, currency) for currency, spend in sorted(score.others.items())],
        recency_score=score.r,
        frequency_score=score.f,
        monetary_score=score.m,
        segment=score.segment.value,
        segment_label=score.segment.label,
        status=score.status.value,
        as_of_date=score.as_of_day.isoformat(),
        window_days=score.window_days,
        ranked_customer_count=score.ranked_count,
        is_by_fixed_bounds=score.is_by_fixed_bounds,
        is_incremental=score.is_incremental,
        scored_time=timestamp_of(score.scored_at),
        last_purchase_time=timestamp_of(score.last_purchase_at),
    )


def moves_messages(moves: Sequence[StoredMove]) -> list[rfm_pb2.SegmentMove]:
    return [
        rfm_pb2.SegmentMove(
            move_time=timestamp_of(move.moved_at),
            from_segment=move.before or "",
            to_segment=move.after or "",
            changes=[
                rfm_pb2.ScoreChange(score=one.score, before=one.before, after=one.after)
                for one in move.changes
            ],
            is_incremental=move.is_incremental,
        )
        for move in moves
    ]
