"""What the repair of live feeds reads."""

from libs.common.postgres.migrate import apply

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply()


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
