"""Where the window of frequency and monetary value begins."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def window_start(day: date, clock: ZoneInfo, window_days: int | None) -> datetime:
    """The first instant of the `window_days` days whose last one is `day`; None: of all time."""
    if window_days is None:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.combine(day - timedelta(days=window_days - 1), time(), clock).astimezone(UTC)
