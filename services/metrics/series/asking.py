"""The question about a series as the replica is asked it: pure text."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from libs.common.buckets import Window, microseconds
from services.metrics.replication.influxql import selecting, tagged, within
from services.metrics.replication.points import QUARTERS
from services.metrics.replication.replica import Standing
from services.metrics.series.selection import Selection
from services.metrics.series.windows import ROLLUP, Split

_FIGURES: Final = (
    'sum("count") as "count", sum("sum") as "sum", min("min") as "min", max("max") as "max",'
    ' max("newest") as "newest"'
)
_GRAINS: Final = (timedelta(days=1), timedelta(hours=1), ROLLUP)


def grain_of(parts: Split, edges: Sequence[datetime]) -> timedelta | None:
    """The widest interval of InfluxDB (cut in UTC) that no inner edge cuts, so that answers are short.

    None when the window has no whole quarter hour, or a zone whose clock does not keep to quarter hours.
    """
    if parts.rolled_start >= parts.rolled_end:
        return None
    inner = [edge for edge in edges if parts.rolled_start < edge < parts.rolled_end]
    for grain in _GRAINS:
        width = grain // timedelta(microseconds=1)
        if all(microseconds(edge) % width == 0 for edge in inner):
            return grain
    return None


def statement(
    selection: Selection,
    series_ids: Sequence[int] | None,
    parts: Split,
    grain: timedelta,
    standing: Standing,
) -> str:
    """Figures of the window's whole quarter hours, of batches up to the replica's position.

    Grain: one interval that has values. The cost grows with series and quarter hours, times the batches that
    touched one, not with raw rows.
    """
    conditions = [
        tagged("tenant", str(selection.tenant_id)),
        tagged("venue", str(selection.venue_id)),
        tagged("type", selection.metric_type),
        tagged("epoch", standing.epoch),
        within(Window(parts.rolled_start, parts.rolled_end)),
        f'"before" <= {standing.before}',
    ]
    if series_ids is not None:
        conditions.append(f'"series" =~ /^({"|".join(map(str, series_ids))})$/')
    return selecting(
        QUARTERS, _FIGURES, *conditions, group_by=f"time({int(grain.total_seconds())}s) fill(none)"
    )
