"""What reading series finds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Figures:
    """Values of one bucket; count 0 means that the other fields say nothing."""

    count: int = 0
    sum: float = 0.0
    minimum: float = 0.0
    maximum: float = 0.0
    newest_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One recorded value with what was stored beside it."""

    time: datetime
    point_id: int
    value: float
    metric_id: UUID | None
    metadata: Mapping[str, Any] | None
    dimensions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile and the number of values behind it; `value` is None without values."""

    value: float | None
    count: int
    newest_time: datetime | None
