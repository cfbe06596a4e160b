"""What a call asks of cohorts."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
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
_LEAST: Final = timedelta(microseconds=1)
_LONGEST: Final = timedelta(days=93) * MOST_PERIODS


@dataclass(frozen=True, slots=True)
class CohortQuestion:
    """Cohorts of a venue within a window; `measure` is empty where cells tell everything.

    `is_open`: the window ends with the present, whenever it is looked at.
    """

    venue_id: UUID
    window: Window
    period: Period
    measure: str
    is_open: bool = False

    def key(self, clock: ZoneInfo) -> str:
        """What the answer depends on beside facts: of the present only the day, which cuts every period."""
        end = self.window.end.isoformat()
        if self.is_open:
            end = f"open on {(self.window.end - _LEAST).astimezone(clock).date().isoformat()}"
        window = f"{self.window.start.isoformat()}/{end}"
        return f"cohorts|{self.period}|{self.measure}|{clock.key}|{window}"

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


def question_of(
    request: cohorts_pb2.GetCohortAnalysisRequest, now: datetime, clock: ZoneInfo
) -> CohortQuestion:
    """The question of a valid request about a venue with this clock.

    Raises:
        InvalidField: The window is empty, not yet begun or outside the calendar.
    """
    end = moment_of(request.end_date, "endDate") if request.HasField("end_date") else now
    is_open, end = end >= now, min(end, now)
    has_start = request.HasField("start_date")
    start = moment_of(request.start_date, "startDate") if has_start else _before(end, clock)
    return CohortQuestion(
        UUID(request.venue_id),
        Window.of(start, end),
        cast("Period", request.granularity or "month"),
        request.measure,
        is_open,
    )


def _before(end: datetime, clock: ZoneInfo) -> datetime:
    """The default start, a local midnight; the calendar's own where it does not reach so far back."""
    earliest = datetime.min.replace(tzinfo=end.tzinfo)
    if end - earliest <= _DEFAULT_LENGTH + timedelta(days=1):
        return earliest
    day = (end - _LEAST).astimezone(clock).date() - _DEFAULT_LENGTH
    return datetime.combine(day, time(), tzinfo=clock).astimezone(UTC)
