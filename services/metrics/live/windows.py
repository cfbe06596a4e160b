"""The live windows: the last minute, 5 minutes and hour in whole minutes, the running one included."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.metrics.live.keys import LiveKey

WINDOW_MINUTES: Final = (1, 5, 60)


@dataclass(frozen=True, slots=True)
class Window:
    """Values of one live metric from `start` to the end of the running minute."""

    minutes: int
    start: datetime
    count: int
    sum: float
    minimum: float | None
    maximum: float | None
    last: float | None


@dataclass(frozen=True, slots=True)
class LiveState:
    """One live metric as it stood at one moment; `newest_time` is None when the last hour is empty."""

    key: LiveKey
    version: int
    updated_at: datetime
    newest_time: datetime | None
    windows: tuple[Window, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the last hour holds no value."""
        return not self.windows[-1].count


def window_starts(now: datetime) -> Mapping[int, datetime]:
    """First instant of each window, by its width in minutes."""
    minute = now.replace(second=0, microsecond=0)
    return {width: minute - timedelta(minutes=width - 1) for width in WINDOW_MINUTES}
