"""Places that customers are compared at: a venue, or the tenant as a whole."""

from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

WHOLE_TENANT: Final = UUID(int=0)
"""Marks rows made from all venues, which are visible to callers without a venue grant only."""


def local_day(moment: datetime, clock: ZoneInfo) -> date:
    """The date that a clock shows at a moment."""
    return moment.astimezone(clock).date()
