"""What usual customers of a place have, to tell what moves a probability that is computed for a call."""

from libs.common.postgres.migrate import apply

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# By feature, one number or some; null for candidates of before, and for models that tell no drivers by it.
USUAL = "alter table models add column usual jsonb"


def upgrade() -> None:
    apply(USUAL)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
