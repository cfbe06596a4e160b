"""When a cron expression is due on a zone's clock, daylight saving included."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from libs.common.errors import InvalidField

_LONGEST_TURN = timedelta(hours=3)


class Cron:
    """A five-field cron expression (minute, hour, day, month, weekday) in an IANA zone.

    With a fixed hour it is due once a local day: a time that the clock skips comes later by the width of the
    gap, and of a time that comes twice the first is taken. With a wildcard hour (`*`, `*/2`) it follows
    elapsed time through both.

    Raises:
        InvalidField: No such expression, or it is never due.
    """

    def __init__(self, expression: str, zone: ZoneInfo, *, field: str = "cron") -> None:
        from croniter import CroniterError, croniter

        fields = expression.split()
        if len(fields) != 5 or not croniter.is_valid(expression):
            raise InvalidField.of(field, "must be a cron expression of five fields such as 30 6 * * 1-5")
        self._expression = expression
        self._zone = zone
        self._follows_elapsed_time = fields[1].startswith("*")
        try:
            self.next_after(datetime.now(UTC))
        except CroniterError as error:
            raise InvalidField.of(field, "is never due") from error

    def next_after(self, instant: datetime) -> datetime:
        """The first due instant after this one, in UTC."""
        from croniter import croniter

        wall = instant.astimezone(self._zone).replace(tzinfo=None) - _LONGEST_TURN
        due: datetime | None = None
        for shown in croniter(self._expression, wall, ret_type=datetime):
            candidates = [c for c in self._instants(shown) if c > instant]
            due = min([*candidates, *([due] if due is not None else [])], default=None)
            if due is not None and shown > due.astimezone(self._zone).replace(tzinfo=None) + _LONGEST_TURN:
                return due
        raise AssertionError("unreachable: croniter never ends")

    def _instants(self, shown: datetime) -> Iterator[datetime]:
        """When the clock shows this: once, in a gap by its width later, or twice."""
        first = shown.replace(tzinfo=self._zone)
        yield first.astimezone(UTC)
        if self._follows_elapsed_time:
            second = first.replace(fold=1).astimezone(UTC)
            if second > first.astimezone(UTC):
                yield second
