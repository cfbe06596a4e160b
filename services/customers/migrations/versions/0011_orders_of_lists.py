"""Orders in which customers are listed, so that a page does not read everyone."""

from libs.common.postgres.migrate import apply

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# A list's order is the index's, read backwards: greatest first, and by id among equals. Each holds a customer
# once a place; a run that writes everyone anew writes it too.
CUSTOMER_CHURN_BY_PROBABILITY = """
create index customer_churn_by_probability
    on customer_churn (tenant_id, venue_id, probability, customer_id)
"""
CUSTOMER_LIFETIME_VALUE_BY_EXPECTED = """
create index customer_lifetime_value_by_expected
    on customer_lifetime_value (tenant_id, venue_id, expected_minor, customer_id)
 where is_main and expected_minor is not null
"""


def upgrade() -> None:
    apply(CUSTOMER_CHURN_BY_PROBABILITY, CUSTOMER_LIFETIME_VALUE_BY_EXPECTED)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
