"""SQL of the series table and of the budget of series."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.recording.series_names import Series

# Grain: one series. Index: metric_series_fingerprint_key.
_SELECT_IDS = """
select fingerprint, series_id
  from metric_series
 where tenant_id = $1 and fingerprint = any($2::bytea[])
"""

# Grain: one tenant. The row is the lock under which a tenant's series are counted and made.
_MAKE_BUDGET = """
insert into metric_budgets (tenant_id) values ($1) on conflict (tenant_id) do nothing
"""
_LOCK_BUDGET = """
select shape_count from metric_budgets where tenant_id = $1 for update
"""
_SPEND_BUDGET = """
update metric_budgets set shape_count = shape_count + $2 where tenant_id = $1
"""

# Grain: one shape (metric type + dimensions, whatever the venue). Index: metric_shapes_pkey.
_SELECT_SHAPES = """
select shape from metric_shapes where tenant_id = $1 and shape = any($2::bytea[])
"""
_INSERT_SHAPES = """
insert into metric_shapes (tenant_id, shape, dimensions)
select $1, shape, dimensions
  from unnest($2::bytea[], $3::jsonb[]) as new (shape, dimensions)
"""

_INSERT_SERIES = """
insert into metric_series (tenant_id, venue_id, metric_type, dimensions, fingerprint)
select $1, venue_id, metric_type, dimensions, fingerprint
  from unnest($2::uuid[], $3::text[], $4::jsonb[], $5::bytea[])
       as new (venue_id, metric_type, dimensions, fingerprint)
on conflict (tenant_id, fingerprint) do nothing
"""

# Grain: one dimension key. Reads every shape of the tenant, at most the budget; asked only when a series is
# refused.
_BIGGEST_DIMENSION = """
select pair.key, count(distinct pair.value)::bigint as value_count
  from metric_shapes
 cross join lateral jsonb_each_text(dimensions) as pair (key, value)
 where tenant_id = $1
 group by pair.key
 order by value_count desc, pair.key
 limit 1
"""


class BiggestDimension(NamedTuple):
    """The dimension with most distinct values among a tenant's series."""

    key: str
    value_count: int


async def select_ids(conn: Connection, tenant_id: UUID, series: Collection[Series]) -> dict[bytes, int]:
    """Ids of the given series that exist, by fingerprint."""
    rows = await conn.fetch(_SELECT_IDS, tenant_id, [one.fingerprint for one in series])
    return {row["fingerprint"]: row["series_id"] for row in rows}


async def lock_budget(conn: Connection, tenant_id: UUID) -> int:
    """Shapes the tenant has; nobody else makes any until this transaction ends."""
    await conn.execute(_MAKE_BUDGET, tenant_id)
    count: int = await conn.fetchval(_LOCK_BUDGET, tenant_id)
    return count


async def select_shapes(conn: Connection, tenant_id: UUID, shapes: Collection[bytes]) -> set[bytes]:
    """Those of the given shapes that exist."""
    return {row["shape"] for row in await conn.fetch(_SELECT_SHAPES, tenant_id, list(shapes))}


async def insert_shapes(conn: Connection, tenant_id: UUID, shapes: Mapping[bytes, Series]) -> None:
    """Make these shapes and count them; the budget must be locked."""
    dimensions = [_json(series) for series in shapes.values()]
    await conn.execute(_INSERT_SHAPES, tenant_id, list(shapes), dimensions)
    await conn.execute(_SPEND_BUDGET, tenant_id, len(shapes))


async def insert_series(conn: Connection, tenant_id: UUID, series: Sequence[Series]) -> None:
    await conn.execute(
        _INSERT_SERIES,
        tenant_id,
        [one.venue_id for one in series],
        [one.metric_type for one in series],
        [_json(one) for one in series],
        [one.fingerprint for one in series],
    )


async def biggest_dimension(conn: Connection, tenant_id: UUID) -> BiggestDimension | None:
    """The tenant's dimension with most values, or None when no series has dimensions."""
    row = await conn.fetchrow(_BIGGEST_DIMENSION, tenant_id)
    return None if row is None else BiggestDimension(row["key"], row["value_count"])


def _json(series: Series) -> str:
    return json.dumps(dict(series.dimensions), ensure_ascii=False)
