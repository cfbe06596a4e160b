"""A clock that runs with the business: fast in busy hours of the week, slow at night."""

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

_WEEKDAYS = (0.8, 0.8, 0.9, 1.0, 1.3, 1.3, 0.9)
_HOURS = (1, 1, 1, 1, 1, 1, 2, 3, 5, 6, 7, 8, 9, 8, 7, 6, 6, 7, 9, 11, 12, 10, 6, 3)
_HOUR_COUNT = 7 * 24
_EDGES = (0.0, *accumulate(day * hour / sum(_HOURS) for day in _WEEKDAYS for hour in _HOURS))
_WEEK = _EDGES[-1]


class Rhythm:
    """Busy days, at which people buy at constant rates, as moments and back.

    Seven busy days are a week from Monday to Sunday on the venue's clock. So a rate per busy day is one per
    day over whole weeks, and every week is like every other. The hour that a change of the clock skips or
    repeats is the one exception.

    Args:
        zone: The venue's.
        anchor: Day of which busy days count; those before are negative.
    """

    def __init__(self, zone: ZoneInfo, anchor: date) -> None:
        self._zone = zone
        self._hours: dict[int, datetime] = {}
        self._monday = datetime.combine(anchor - timedelta(days=anchor.weekday()), time())
        self._anchor = self._since_monday(datetime.combine(anchor, time(), zone))

    def moment(self, busy_days: float) -> datetime:
        """The moment, UTC, whole seconds."""
        weeks, rest = divmod(busy_days + self._anchor, _WEEK)
        hour = min(bisect_right(_EDGES, rest), _HOUR_COUNT) - 1
        part = (rest - _EDGES[hour]) / (_EDGES[hour + 1] - _EDGES[hour])
        return self._hour(int(weeks) * _HOUR_COUNT + hour) + timedelta(seconds=int(3600 * part))

    def busy_days(self, moment: datetime) -> float:
        """Busy days from the anchor's midnight on the venue's clock until then."""
        return self._since_monday(moment) - self._anchor

    def _hour(self, number: int) -> datetime:
        """When an hour begins, counted from the Monday on the venue's clock."""
        began = self._hours.get(number)
        if began is None:
            local = self._monday + timedelta(hours=number)
            began = self._hours[number] = local.replace(tzinfo=self._zone).astimezone(UTC)
        return began

    def _since_monday(self, moment: datetime) -> float:
        local = moment.astimezone(self._zone).replace(tzinfo=None) - self._monday
        weeks, rest = divmod(local, timedelta(weeks=1))
        hours, part = divmod(rest, timedelta(hours=1))
        return weeks * _WEEK + _EDGES[hours] + part / timedelta(hours=1) * (_EDGES[hours + 1] - _EDGES[hours])
