"""Scores whose rows change in their place: no index holds what most changes change."""

from libs.common.postgres.migrate import apply

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# A row whose indexed columns stay is written in its page beside the old one, and no index is touched.
# Every night one in a hundred customers is in another segment, and an index finds a segment no faster than
# reading all rows as they lie: every page holds some of its members.
NO_INDEX_BY_SEGMENT = "drop index customer_rfm_scores_by_segment"


def upgrade() -> None:
    apply(NO_INDEX_BY_SEGMENT)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
