"""Visits: sessions on the venues' pages and the steps they took."""

from libs.common.postgres.migrate import apply

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply()


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
