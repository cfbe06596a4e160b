"""What callers ask about sales."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.buckets import Granularity, Window
from services.metrics.sales.standings import OrderBy


@dataclass(frozen=True, slots=True)
class HistoryQuestion:
    """Sales over time; an empty `time_zone` stands for the venue's, or UTC without one."""

    window: Window
    granularity: Granularity
    time_zone: str
    venue_id: UUID | None
    event_id: UUID | None


@dataclass(frozen=True, slots=True)
class TopQuestion:
    """The best shows of a window."""

    window: Window
    order_by: OrderBy
    limit: int
    venue_id: UUID | None
