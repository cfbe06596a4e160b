"""Whole periods, and trends of sales whose slope and shifts are known."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from scipy.stats import linregress
from tickettoken.metrics.v1.sales_pb2 import GetSalesTrendsRequest

from libs.common.buckets import Window, WindowTooWide
from libs.common.errors import InvalidField
from services.metrics.sales_trends.measures import Measure, measures_of
from services.metrics.sales_trends.periods import whole_periods
from services.metrics.sales_trends.questions import question_of
from tests.platform.events import NOON

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
BERLIN, NEW_YORK, KATHMANDU = (
    ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Asia/Kathmandu")
)


@pytest.mark.parametrize("clock", [BERLIN, NEW_YORK, KATHMANDU])
@pytest.mark.parametrize("turn", [datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 10, 28, tzinfo=UTC)])
def test_days_of_a_month_with_a_turn_of_the_clocks(clock, turn):
    start, end = turn - 20 * DAY, turn + 20 * DAY

    edges = whole_periods(Window(start, end), "day", clock, end + DAY)

    midnights = [
        (start - DAY + minutes * timedelta(minutes=15))
        for minutes in range(42 * 96)
        if (start - DAY + minutes * timedelta(minutes=15)).astimezone(clock).strftime("%H:%M") == "00:00"
    ]
    assert edges == [edge for edge in midnights if start <= edge <= end]
    assert len(edges) in (40, 41)


def test_cut_and_running_periods_are_left_out():
    window = Window(NOON - 10 * DAY, NOON + 10 * DAY)

    days = whole_periods(window, "day", BERLIN, NOON)

    assert days[0] == datetime(2026, 2, 19, 23, tzinfo=UTC)
    assert days[-1] == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert whole_periods(Window(days[0], days[-1]), "day", BERLIN, NOON) == days
    assert whole_periods(window, "day", BERLIN, days[-1])[-1] == days[-1]
    assert whole_periods(window, "day", BERLIN, days[-1] - timedelta(microseconds=1))[-1] == days[-2]
    assert whole_periods(window, "week", BERLIN, NOON) == []
    assert whole_periods(window, "month", BERLIN, NOON) == []
    assert whole_periods(Window(NOON, NOON + DAY), "hour", BERLIN, NOON) == []
    assert whole_periods(Window(NOON + DAY, NOON + 900 * DAY), "hour", BERLIN, NOON) == []


def test_too_many_periods_are_refused():
    with pytest.raises(WindowTooWide):
        whole_periods(Window(NOON - 84 * DAY, NOON), "hour", BERLIN, NOON)


def test_the_question_defaults_to_days_of_the_last_90():
    hourly = question_of(GetSalesTrendsRequest(granularity="hour"), NOON)
    usual = question_of(GetSalesTrendsRequest(), NOON)
    request = GetSalesTrendsRequest(granularity="week")
    request.end_date.FromDatetime(NOON - DAY)
    weekly = question_of(request, NOON)

    assert (usual.window, usual.granularity) == (Window(NOON - 90 * DAY, NOON), "day")
    assert hourly.window == Window(NOON - 30 * DAY, NOON)
    assert weekly.window == Window(NOON - 91 * DAY, NOON - DAY)


def test_windows_that_cannot_be_are_refused():
    to_come, at_the_beginning_of_time = GetSalesTrendsRequest(), GetSalesTrendsRequest()
    to_come.start_date.FromDatetime(NOON)
    at_the_beginning_of_time.end_date.FromJsonString("0001-01-20T00:00:00Z")

    for request in (to_come, at_the_beginning_of_time):
        with pytest.raises(InvalidField):
            question_of(request, NOON)


def test_a_measure_has_the_line_and_the_shift_of_its_values():
    wobble = [0, 3, 1, 4, 2, 5]
    rising = Measure("order_count", "", tuple(10 + 4 * at + wobble[at % 6] for at in range(30)))
    shifted = Measure("net_revenue", "EUR", tuple((10, 50)[at >= 20] + wobble[at % 6] for at in range(40)))

    assert rising.trend.slope == pytest.approx(linregress(range(30), rising.values).slope)
    assert rising.trend.direction == "rising"
    assert rising.shifts == []
    (shift,) = shifted.shifts
    assert (shift.at, shift.p_value < 0.01) == (20, True)
    assert shift.mean_before == pytest.approx(sum(shifted.values[:20]) / 20)


def test_without_a_period_there_are_counts_without_values():
    assert [(one.name, one.values, one.shifts) for one in measures_of(())] == [
        ("order_count", (), []),
        ("ticket_count", (), []),
    ]
