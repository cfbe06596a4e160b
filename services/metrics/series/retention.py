"""How far back exact answers reach: raw rows are dropped before rollups are."""

from datetime import UTC, datetime, timedelta

from libs.common.buckets import Window
from services.metrics.errors import RawPointsExpired
from services.metrics.series.windows import Split, split


class Retention:
    """What is kept of raw rows.

    Args:
        days: Age from which raw rows may be gone.
    """

    def __init__(self, days: int) -> None:
        self._kept = timedelta(days=days)

    def parts(self, window: Window) -> Split:
        """The window's rollup buckets and raw edges.

        Raises:
            RawPointsExpired: An edge within a bucket is older than raw rows are kept.
        """
        parts = split(window)
        if parts.needs_raw_from is not None:
            self.require_raw(parts.needs_raw_from)
        return parts

    def require_raw(self, since: datetime) -> None:
        """Return when raw rows since this instant are kept.

        Raises:
            RawPointsExpired: They may be gone.
        """
        oldest = datetime.now(UTC) - self._kept
        if since < oldest:
            raise RawPointsExpired(
                "single values of that age are not kept; move startDate and endDate to quarter hours,"
                " and ask for no percentile",
                oldest_time=oldest.isoformat(),
            )
