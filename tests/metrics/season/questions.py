"""Windows to ask about, and answers in the shape of the naive counts."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu")


def windows(season, clock: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """The whole season, odd edges around both turns of the clock, and the last month."""
    odd = timedelta(hours=31, minutes=7, seconds=13, microseconds=17)
    spring, autumn = (_last_turn(clock, month, season.now) for month in (3, 10))
    return [
        (season.now - timedelta(days=420), season.now),
        (spring - odd, spring + odd),
        (autumn - odd, autumn + 2 * odd),
        (season.now - timedelta(days=30), season.now),
    ]


def timed(message, start: datetime, end: datetime):
    """The message with this window."""
    message.start_date.FromDatetime(start)
    message.end_date.FromDatetime(end)
    return message


def figures(messages) -> dict[str, tuple[int, ...]]:
    """Revenue figures by currency, as `naive.revenue` has them."""
    return {
        one.currency: (
            one.order_count,
            one.ticket_count,
            one.gross.amount_minor,
            one.refunds.amount_minor,
            one.fees.amount_minor,
            one.net.amount_minor,
        )
        for one in messages
    }


def _last_turn(clock: ZoneInfo, month: int, now: datetime) -> datetime:
    """Noon of the last day around this month on which the zone turned its clocks; any day where none does."""
    day = now
    while now - day < timedelta(days=380):
        turned = day.astimezone(clock).utcoffset() != (day - timedelta(days=1)).astimezone(clock).utcoffset()
        if turned and abs(day.month - month) <= 1:
            return day.astimezone(clock).replace(hour=12, minute=0, second=0, microsecond=0).astimezone(UTC)
        day -= timedelta(days=1)
    return now - timedelta(days=100)
