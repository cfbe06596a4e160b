"""How far back exact answers reach: raw rows are dropped before rollups are, and rollups in their time."""

from datetime import UTC, datetime, timedelta

from libs.common.buckets import Window
from services.metrics.errors import RawPointsExpired, SeriesExpired
from services.metrics.series.windows import Split, split


class Retention:
    """What is kept of series; what may be gone is refused, since it would be taken for 0.

    Args:
        raw_days: Age from which raw rows may be gone.
        rollup_days: Age from which rollups may be gone.
    """

    def __init__(self, *, raw_days: int, rollup_days: int) -> None:
        self._raw_kept = timedelta(days=raw_days)
        self._rollups_kept = timedelta(days=rollup_days)

    def parts(self, window: Window) -> Split:
        """The window's rollup buckets and raw edges.

        Raises:
            SeriesExpired: A bucket is older than rollups are kept.
            RawPointsExpired: An edge within a bucket is older than raw rows are kept.
        """
        parts = split(window)
        if parts.rolled_start < parts.rolled_end:
            self._require_rollups(parts.rolled_start)
        if parts.needs_raw_from is not None:
            self.require_raw(parts.needs_raw_from)
        return parts

    def require_raw(self, since: datetime) -> None:
        """Return when raw rows since this instant are kept.

        Raises:
            RawPointsExpired: They may be gone.
        """
        oldest = datetime.now(UTC) - self._raw_kept
        if since < oldest:
            raise RawPointsExpired(
                "single values of that age are not kept; move startDate and endDate to quarter hours,"
                " and ask for no percentile",
                oldest_time=oldest.isoformat(),
            )

    def _require_rollups(self, since: datetime) -> None:
        oldest = datetime.now(UTC) - self._rollups_kept
        if since < oldest:
            raise SeriesExpired(
                "figures of that age are not kept: ask for a later start, or for fewer periods",
                oldest_time=oldest.isoformat(),
            )
