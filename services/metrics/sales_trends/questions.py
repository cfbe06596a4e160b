"""What callers ask about trends of sales."""

from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

from tickettoken.metrics.v1 import sales_pb2

from libs.common.buckets import Granularity, Window
from libs.common.errors import InvalidField
from libs.common.moments import moment_of
from services.metrics.sales.questions import HistoryQuestion

_USUAL: Final[dict[Granularity, timedelta]] = {"hour": timedelta(days=30)}
_USUAL_ELSE: Final = timedelta(days=90)


def question_of(request: sales_pb2.GetSalesTrendsRequest, now: datetime) -> HistoryQuestion:
    """What the request asks.

    Raises:
        InvalidField: The window is empty or outside the calendar.
    """
    unit = cast("Granularity", request.granularity or "day")
    return HistoryQuestion(
        window=_window_of(request, _USUAL.get(unit, _USUAL_ELSE), now),
        granularity=unit,
        time_zone=request.time_zone,
        venue_id=UUID(request.venue_id) if request.venue_id else None,
        event_id=UUID(request.event_id) if request.event_id else None,
    )


def _window_of(request: sales_pb2.GetSalesTrendsRequest, usual: timedelta, now: datetime) -> Window:
    end = moment_of(request.end_date, "endDate") if request.HasField("end_date") else now
    if request.HasField("start_date"):
        return Window.of(moment_of(request.start_date, "startDate"), end)
    try:
        return Window(end - usual, end)
    except OverflowError:
        raise InvalidField.of("endDate", f"leaves no room for {usual.days} days before it") from None
