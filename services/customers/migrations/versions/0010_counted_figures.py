"""What a run of scores has to know of the last one to go on from it instead of counting everything anew."""

from libs.common.postgres.migrate import apply

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# The moment of the run that counted everybody's figures (null: they have to be counted), and the clock of the
# place's days (null for the tenant).
COUNTED_AT = "alter table rfm_runs add column counted_at timestamptz, add column time_zone text"

# Whoever was scored between two runs: few of all.
CUSTOMER_RFM_INCREMENTAL = """
create index customer_rfm_incremental on customer_rfm_scores (tenant_id, customer_id) where is_incremental
"""


def upgrade() -> None:
    apply(COUNTED_AT)
    apply(CUSTOMER_RFM_INCREMENTAL)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
