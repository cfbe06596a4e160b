"""Views and materialized views over the facts of this service."""

from libs.common.postgres.migrate import apply

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply()


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
