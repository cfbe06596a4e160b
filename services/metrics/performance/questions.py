"""What callers ask about the performance of shows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from tickettoken.metrics.v1 import performance_pb2

from libs.common.buckets import Window
from libs.common.errors import InvalidField
from libs.common.moments import moment_of

_USUAL: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class PerformanceQuestion:
    """One show, or those that begin within a window; at one venue, or at all."""

    shows: Window | UUID
    venue_id: UUID | None


def question_of(request: performance_pb2.GetEventPerformanceRequest, now: datetime) -> PerformanceQuestion:
    """What the request asks.

    Raises:
        InvalidField: The window is empty or outside the calendar.
    """
    venue_id = UUID(request.venue_id) if request.venue_id else None
    if request.event_id:
        return PerformanceQuestion(UUID(request.event_id), venue_id)
    start = moment_of(request.start_date, "startDate") if request.HasField("start_date") else now
    if request.HasField("end_date"):
        return PerformanceQuestion(Window.of(start, moment_of(request.end_date, "endDate")), venue_id)
    try:
        return PerformanceQuestion(Window(start, start + _USUAL), venue_id)
    except OverflowError:
        raise InvalidField.of("startDate", "leaves no room for 90 days after it") from None
