"""What the repair of live feeds reads: the pages of `realtime_versions` that changed lately."""

from libs.common.postgres.migrate import apply

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# A summary of each few pages, not of each row: versions are counted up in place, and an ordinary index on the
# time would take that away from every writer.
_VERSIONS_BY_TIME = """
create index realtime_versions_updated_idx on realtime_versions
 using brin (updated_at) with (pages_per_range = 4, autosummarize = on)
"""


def upgrade() -> None:
    apply(_VERSIONS_BY_TIME)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
