"""SQL that reads series by the values of some of their dimensions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.common.postgres.database import Connection
from services.metrics.series.figures import Figures
from services.metrics.series.selection import Selection
from services.metrics.series.windows import Split

# Grain: one label set and bucket that has values, of the label sets with the largest sums. Sources and
# indexes as for plain buckets (rollups, and raw rows at the window's edges, in one snapshot); the labels come
# from metric_series, so the cost is that of the plain buckets and the answer stays bounded. The facts are
# lateral, and the ranks a window over the sums, because the planner cannot see how many series a metric has:
# where it expects one, it would compare every fact with every series and every label set with every other.
_SELECT_LABELLED = """
with wanted as materialized (
    select series_id,
           array(select dimensions ->> label.name
                   from unnest($9::text[]) with ordinality as label (name, place)
                  order by label.place) as labels
      from metric_series
     where tenant_id = $1 and venue_id = $2 and metric_type = $3
       and ($4::jsonb is null or dimensions @> $4::jsonb)
), sums as (
    select wanted.labels, width_bucket(facts.at, $10::timestamptz[]) as place,
           sum(value_count)::bigint as value_count, sum(value_sum) as value_sum,
           min(value_min) as value_min, max(value_max) as value_max, max(newest_time) as newest_time
      from wanted
      cross join lateral (
           select bucket_start as at, value_count, value_sum, value_min, value_max, newest_time
             from analytics_aggregations
            where tenant_id = $1 and series_id = wanted.series_id
              and bucket_start >= $6 and bucket_start < $7
            union all
           select metric_time, 1, value, value, value, metric_time
             from analytics_metrics
            where tenant_id = $1 and series_id = wanted.series_id
              and metric_time >= $5 and metric_time < $6
            union all
           select metric_time, 1, value, value, value, metric_time
             from analytics_metrics
            where tenant_id = $1 and series_id = wanted.series_id
              and metric_time >= $7 and metric_time < $8) as facts
     group by wanted.labels, place
), totalled as (
    select sums.*, sum(value_sum) over (partition by labels) as total
      from sums
), ranked as (
    select totalled.*, dense_rank() over (order by total desc, labels) as rank
      from totalled
)
select labels, place, value_count, value_sum, value_min, value_max, newest_time
  from ranked
 where rank <= $11
 order by rank, place
"""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Figures of one label set, one entry a bucket; a label its series do not have is None."""

    labels: tuple[str | None, ...]
    figures: list[Figures]

    @property
    def sum(self) -> float:
        return sum(one.sum for one in self.figures)


async def select_labelled(
    conn: Connection,
    selection: Selection,
    parts: Split,
    edges: Sequence[datetime],
    labels: Sequence[str],
    *,
    limit: int,
) -> list[Labelled]:
    """Figures of every bucket by label set, the largest sums first; without labels one set at most.

    Args:
        conn: A transaction of the tenant.
        selection: Which series.
        parts: The window, split.
        edges: Edges of the buckets, ascending; facts outside of the window are left out.
        labels: Dimensions to answer by.
        limit: Label sets at most.
    """
    rows = await conn.fetch(
        _SELECT_LABELLED,
        *selection.binds(),
        parts.window.start,
        parts.rolled_start,
        parts.rolled_end,
        parts.window.end,
        list(labels),
        list(edges),
        limit,
    )
    found: dict[tuple[str | None, ...], Labelled] = {}
    for row in rows:
        key = tuple(row["labels"])
        labelled = found.setdefault(key, Labelled(key, [Figures()] * (len(edges) - 1)))
        labelled.figures[row["place"] - 1] = Figures(
            row["value_count"], row["value_sum"], row["value_min"], row["value_max"], row["newest_time"]
        )
    return list(found.values())
