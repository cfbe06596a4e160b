"""The data set of recorded points."""

from typing import Final

from libs.common.tables.columns import Kind, columns
from services.metrics.exports.dataset import DataSet, Narrowing

# Grain: recorded row, series by series; `metadata` stays out, since callers may put people into it. Index:
# metric_series_venue_idx, then analytics_metrics_series_idx; row-level security of the series limits venues.
_METRICS: Final = """
select series.metric_type, series.venue_id::text, series.dimensions::text,
       (extract(epoch from point.metric_time) * 1000000)::bigint, point.value, point.metric_id::text
  from metric_series as series
  join analytics_metrics as point on point.tenant_id = series.tenant_id and point.series_id = series.series_id
 where series.tenant_id = $1 and point.metric_time >= $2 and point.metric_time < $3
   and ($4::uuid is null or series.venue_id = $4) and ($6::text is null or series.metric_type = $6)
 order by series.metric_type, series.venue_id, series.series_id, point.metric_time, point.point_id
 limit $5
"""

POINT_SETS: Final = (
    DataSet(
        "metrics",
        columns(
            "metric_type venue_id dimensions recorded_at value metric_id",
            value=Kind.NUMBER,
        ),
        _METRICS,
        Narrowing.METRIC_TYPE,
    ),
)
