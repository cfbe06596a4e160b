"""SQL that reads single values of series by the values of some of their dimensions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.common.buckets import Window
from libs.common.postgres.database import Connection
from services.metrics.series.selection import Selection

# Grain: one label set that has values. Reads every raw value of the window, by analytics_metrics_series_idx:
# the caller has counted them before.
_PERCENTILES = """
with wanted as materialized (
    select series_id,
           array(select dimensions ->> label.name
                   from unnest($7::text[]) with ordinality as label (name, place)
                  order by label.place) as labels
      from metric_series
     where tenant_id = $1 and venue_id = $2 and metric_type = $3
       and ($4::jsonb is null or dimensions @> $4::jsonb)
)
select wanted.labels, count(*) as value_count, max(metric_time) as newest_time,
       percentile_cont($8::double precision[]) within group (order by value) as percentiles
  from wanted
  cross join lateral (
       select value, metric_time
         from analytics_metrics
        where tenant_id = $1 and series_id = wanted.series_id and metric_time >= $5 and metric_time < $6
       ) as facts
 group by wanted.labels
 order by wanted.labels
 limit $9
"""

# Grain: one label set that has values: the newest of them; of two of one instant the one that was stored
# later. Reads one row a series, by analytics_metrics_series_idx.
_LAST = """
with wanted as materialized (
    select series_id,
           array(select dimensions ->> label.name
                   from unnest($7::text[]) with ordinality as label (name, place)
                  order by label.place) as labels
      from metric_series
     where tenant_id = $1 and venue_id = $2 and metric_type = $3
       and ($4::jsonb is null or dimensions @> $4::jsonb)
)
select distinct on (wanted.labels) wanted.labels, newest.value, newest.metric_time as newest_time
  from wanted
  cross join lateral (
       select value, metric_time, point_id
         from analytics_metrics
        where tenant_id = $1 and series_id = wanted.series_id and metric_time >= $5 and metric_time < $6
        order by metric_time desc, point_id desc
        limit 1) as newest
 order by wanted.labels, newest.metric_time desc, newest.point_id desc
 limit $8
"""


@dataclass(frozen=True, slots=True)
class LabelledPercentiles:
    """Percentiles of one label set, in the order of the fractions; a label its series lack is None."""

    labels: tuple[str | None, ...]
    values: tuple[float, ...]
    count: int
    newest_time: datetime


@dataclass(frozen=True, slots=True)
class LastValue:
    """The newest value of one label set."""

    labels: tuple[str | None, ...]
    value: float
    newest_time: datetime


async def select_percentiles(
    conn: Connection,
    selection: Selection,
    window: Window,
    labels: Sequence[str],
    fractions: Sequence[float],
    *,
    limit: int,
) -> list[LabelledPercentiles]:
    """Exact percentiles of the window's raw values by label set, by linear interpolation between ranks."""
    rows = await conn.fetch(
        _PERCENTILES, *selection.binds(), window.start, window.end, list(labels), list(fractions), limit
    )
    return [
        LabelledPercentiles(
            tuple(row["labels"]), tuple(row["percentiles"]), row["value_count"], row["newest_time"]
        )
        for row in rows
    ]


async def select_last(
    conn: Connection, selection: Selection, window: Window, labels: Sequence[str], *, limit: int
) -> list[LastValue]:
    """The newest value of the window by label set."""
    rows = await conn.fetch(_LAST, *selection.binds(), window.start, window.end, list(labels), limit)
    return [LastValue(tuple(row["labels"]), row["value"], row["newest_time"]) for row in rows]
