"""Days without a purchase, as a venue's clock shows them."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from libs.common.buckets import Window, bucket_edges


def silent_since(now: datetime, clock: ZoneInfo, threshold: int) -> datetime:
    """Who bought at this instant or later has been silent for fewer whole days than the threshold."""
    day = now.astimezone(clock).date() - timedelta(days=threshold - 1)
    noon = datetime.combine(day, time(12), clock)
    return bucket_edges(Window(noon, noon + timedelta(microseconds=1)), "day", clock)[0]


def days_since(moment: datetime, now: datetime, clock: ZoneInfo) -> int:
    """Local days from one moment to another."""
    return (now.astimezone(clock).date() - moment.astimezone(clock).date()).days
