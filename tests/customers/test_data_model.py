"""The page about the data model of customers names everything that the migrations make, and nothing else."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "customers-data-model.md"

# Grain: one table or view of the service; partitions belong to their table, materialized views to the view
# that reads them.
MADE = """
select c.relname as name
  from pg_class as c
  join pg_namespace as n on n.oid = c.relnamespace
 where n.nspname in ('public', 'reporting_views') and c.relkind in ('r', 'p', 'v') and not c.relispartition
   and c.relname <> 'alembic_version'
"""


async def test_every_table_and_view_is_described_and_none_that_does_not_exist(as_admin):
    made = {row["name"] for row in await as_admin.fetch(MADE)}
    first_cells = re.findall(r"^\| (`[^|]+) \|", PAGE.read_text(), re.MULTILINE)
    described = {name for cell in first_cells for name in re.findall(r"`([a-z0-9_]+)`", cell)}

    assert described == made
