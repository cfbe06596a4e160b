"""Fitted models and what they say of each customer: lifetime value and churn.

A venue_id of zeros marks what was made from all venues of the tenant; row-level security shows it only to
callers without a venue grant, as it would tell about other venues. Everything of a tenant is replaced in one
transaction.
"""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Grain: one candidate of a kind of model, for a venue (or the tenant) and, for spend, a currency, as one
# training left it: served, fitted but worse, or refused with its reason. `fitted_on` 'tenant' at a venue:
# too few repeaters there, so the tenant's fit serves, and `hold_out` tells how it did on this venue's
# customers.
MODELS = """
create table models (
    tenant_id uuid not null,
    venue_id uuid not null,
    kind text not null check (kind in ('purchases', 'spend', 'churn')),
    trained_at timestamptz not null,
    currency text not null default '',
    name text not null,
    fitted_on text not null check (fitted_on in ('venue', 'tenant')),
    is_serving boolean not null,
    refusal text,
    refusal_message text,
    parameters jsonb,
    covariance jsonb,
    log_likelihood double precision,
    customer_count integer not null,
    repeater_count integer not null,
    first_day date not null,
    last_day date not null,
    held_out_days integer not null,
    hold_out jsonb,
    check ((parameters is null) = (refusal is not null)),
    primary key (tenant_id, venue_id, kind, trained_at, currency, name)
)
"""

# Grain: one venue (or the tenant) in one run. `figures` holds, by currency, totals, quantiles and histogram
# of the values; `refusal` why no model of purchases serves.
LIFETIME_RUNS = """
create table lifetime_runs (
    tenant_id uuid not null,
    venue_id uuid not null,
    computed_at timestamptz not null,
    first_day date not null,
    last_day date not null,
    horizon_days integer not null,
    least_repeaters integer not null,
    purchase_count bigint not null,
    customer_count integer not null,
    repeater_count integer not null,
    refusal text,
    refusal_message text,
    figures jsonb not null,
    newest_fact_at timestamptz not null,
    primary key (tenant_id, venue_id, computed_at)
)
"""

# Grain: one customer at a venue (or at the tenant), and each currency that they bought in. `is_main` marks
# the currency of most purchases. Expected figures are absent where no model serves (basis 'historic').
CUSTOMER_LIFETIME_VALUE = """
create table customer_lifetime_value (
    tenant_id uuid not null,
    venue_id uuid not null,
    customer_id uuid not null,
    currency text not null,
    is_main boolean not null,
    basis text not null check (basis in ('model', 'historic')),
    purchase_count integer not null,
    historic_minor bigint not null,
    expected_minor bigint,
    low_minor bigint,
    high_minor bigint,
    expected_purchases double precision,
    alive_probability double precision,
    model text,
    computed_at timestamptz not null,
    newest_fact_at timestamptz not null,
    check ((basis = 'model') = (expected_minor is not null)),
    primary key (tenant_id, venue_id, customer_id, currency)
)
"""

# Grain: one customer at a venue (or at the tenant). `drivers` holds what moved the probability, strongest
# first. `usual_gap_days` is the time after the last purchase within which the customer would have been
# expected again.
CUSTOMER_CHURN = """
create table customer_churn (
    tenant_id uuid not null,
    venue_id uuid not null,
    customer_id uuid not null,
    probability double precision not null check (probability between 0 and 1),
    horizon_days integer not null,
    model text not null,
    drivers jsonb not null default '[]',
    usual_gap_days double precision,
    has_missed_usual_show boolean,
    computed_at timestamptz not null,
    newest_fact_at timestamptz not null,
    primary key (tenant_id, venue_id, customer_id)
)
"""


def upgrade() -> None:
    apply(MODELS, tenant_table("models", venue_column="venue_id"))
    apply(LIFETIME_RUNS, tenant_table("lifetime_runs", venue_column="venue_id"))
    apply(CUSTOMER_LIFETIME_VALUE, tenant_table("customer_lifetime_value", venue_column="venue_id"))
    apply(CUSTOMER_CHURN, tenant_table("customer_churn", venue_column="venue_id"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
