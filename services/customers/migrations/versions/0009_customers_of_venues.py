"""An index that has a venue's purchases customer by customer, for whoever sums all of them.

Whole runs sum a venue's purchases by customer. From `purchases_by_venue`, or the table, that is a hash of all
customers, and twice the work of reading them in their order. The price is a fourth place that a purchase is
written to.
"""

from libs.common.postgres.migrate import apply

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Holds every column that scores are made of, so that the table itself is not read.
PURCHASES_BY_VENUE_CUSTOMER = """
create index purchases_by_venue_customer on purchases (tenant_id, venue_id, customer_id, currency)
    include (sold_at, order_count, spend_minor, newest_fact_at)
"""


def upgrade() -> None:
    apply(PURCHASES_BY_VENUE_CUSTOMER)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
