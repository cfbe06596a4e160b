"""Projections as messages of the contract."""

from datetime import timedelta

from tickettoken.metrics.v1 import projections_pb2

from libs.common.amounts import money_message
from services.metrics.projections.history import History
from services.metrics.projections.question import Answer, Question, TestedAnswer


def projection_message(
    history: History, currency: str, question: Question, answer: Answer
) -> projections_pb2.RevenueProjection:
    """The projection of one currency, in whole minor units."""
    expected = [round(value) for value in answer.expected]
    first = history.today + timedelta(days=1)
    days = [
        projections_pb2.ProjectedDay(
            date=(first + timedelta(days=number)).isoformat(),
            net=_amount(value, answer.low[number], answer.high[number], currency),
        )
        for number, value in enumerate(expected)
    ]
    return projections_pb2.RevenueProjection(
        currency=currency,
        days=days,
        total=_amount(sum(expected), *answer.total, currency),
        model=answer.model,
        back_test=_back_test(answer.tested, currency),
        naive_back_test=_back_test(answer.naive, currency),
        history_day_count=len(question.net),
        known_event_count=_known_event_count(history, len(expected)),
        uses_known_events=answer.uses_shows,
        uses_last_year=answer.uses_last_year,
    )


def _known_event_count(history: History, days: int) -> int:
    today = history.day_count
    return sum(today < history.day_of(show.starts_at) <= today + days for show in history.shows)


def _amount(expected: int, low: float, high: float, currency: str) -> projections_pb2.ProjectedAmount:
    """Bounds never cross what is expected, whatever the rounding did."""
    return projections_pb2.ProjectedAmount(
        expected=money_message(expected, currency),
        low=money_message(min(round(low), expected), currency),
        high=money_message(max(round(high), expected), currency),
    )


def _back_test(tested: TestedAnswer, currency: str) -> projections_pb2.BackTest:
    return projections_pb2.BackTest(
        mean_absolute_error=money_message(round(tested.mean_absolute_error), currency),
        mean_absolute_scaled_error=tested.mean_absolute_scaled_error,
        interval_coverage_ratio=tested.interval_coverage_ratio,
        fold_count=tested.fold_count,
        horizon_days=tested.horizon_days,
    )
