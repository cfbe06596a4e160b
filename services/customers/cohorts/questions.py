"""What a call asks of cohorts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from tickettoken.customers.v1 import cohorts_pb2

from libs.common.buckets import Window, WindowTooWide
from libs.common.moments import moment_of
from services.customers.cohorts.periods import Period, period_edges

MOST_PERIODS: Final = 160
"""Periods of one answer: three years of weeks; their triangle has 12,880 cells."""
_DEFAULT_LENGTH: Final = timedelta(days=365)
_LONGEST: Final = timedelta(days=93) * MOST_PERIODS


@dataclass(frozen=True, slots=True)
class CohortQuestion:
    """Cohorts of a venue within a window; `measure` is empty where cells tell everything."""

    venue_id: UUID
    window: Window
    period: Period
    measure: str

    def edges(self, clock: ZoneInfo) -> list[datetime]:
        """Edges of the periods that the window touches on a clock.

        Raises:
            WindowTooWide: More periods than one answer holds.
        """
        if self.window.length <= _LONGEST:
            edges = period_edges(self.window, self.period, clock)
            if len(edges) - 1 <= MOST_PERIODS:
                return edges
        raise WindowTooWide(
            f"at most {MOST_PERIODS} periods; ask for a shorter window or a coarser granularity",
            limit=MOST_PERIODS,
        )


def question_of(request: cohorts_pb2.GetCohortAnalysisRequest, now: datetime) -> CohortQuestion:
    """The question of a valid request.

    Raises:
        InvalidField: The window is empty, not yet begun or outside the calendar.
    """
    end = moment_of(request.end_date, "endDate") if request.HasField("end_date") else now
    end = min(end, now)
    start = moment_of(request.start_date, "startDate") if request.HasField("start_date") else _before(end)
    return CohortQuestion(
        UUID(request.venue_id),
        Window.of(start, end),
        cast("Period", request.granularity or "month"),
        request.measure,
    )


def _before(end: datetime) -> datetime:
    """The default start; the calendar's own where it does not reach so far back."""
    earliest = datetime.min.replace(tzinfo=end.tzinfo)
    return end - _DEFAULT_LENGTH if end - earliest > _DEFAULT_LENGTH else earliest
