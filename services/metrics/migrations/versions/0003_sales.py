"""Sales by ticket type: orders with their session, and the rollup at the grain of ticket types."""

from libs.common.postgres.migrate import apply

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply()


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
