"""Timestamps of requests and answers as datetimes and windows, and back."""

from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from tickettoken.common.v1 import time_pb2

from libs.common.buckets import Window
from libs.common.errors import InvalidField

FUTURE_TOLERANCE_US: Final = 5 * 60 * 1_000_000
"""How far clocks of the platform may differ; what is dated further ahead is refused, or is not live."""


def moment_of(stamp: Timestamp, field: str) -> datetime:
    """The instant in whole microseconds, UTC.

    Args:
        stamp: A timestamp that is set.
        field: Its field as JSON names it.

    Raises:
        InvalidField: It lies outside the calendar's years 1 to 9999.
    """
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidField.of(field, "must lie between the years 1 and 9999") from None


def timestamp_of(moment: datetime | None) -> Timestamp | None:
    """The timestamp of a UTC datetime; None stays None, which leaves a field absent."""
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def interval_of(window: Window) -> time_pb2.Interval:
    """The interval of a window of UTC datetimes."""
    return time_pb2.Interval(start_time=timestamp_of(window.start), end_time=timestamp_of(window.end))
