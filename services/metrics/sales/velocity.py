"""How long a show was on sale within a window, and how fast it sold then."""

from datetime import datetime, timedelta
from typing import Final

from libs.common.buckets import Window

_DAY: Final = timedelta(days=1)


def tickets_per_day(
    ticket_count: int, window: Window, *, sold_from: datetime | None, sold_until: datetime | None
) -> float | None:
    """Tickets over the days of the window on which the show was on sale; None when it never was.

    Parts of days count as parts, but a show that was on sale for less than a day had one day: a few minutes
    after the first ticket say nothing about a rate.

    Args:
        ticket_count: Tickets sold within the window and not returned.
        window: Its end is not after now.
        sold_from: When sales began; None when not known.
        sold_until: When the doors open; None when not known.
    """
    begin = window.start if sold_from is None else max(window.start, sold_from)
    end = window.end if sold_until is None else min(window.end, sold_until)
    if begin >= end:
        return None
    return ticket_count / max(1.0, (end - begin) / _DAY)
