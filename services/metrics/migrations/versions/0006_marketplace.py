"""The secondary market: listings and resales.

Statements and resales are kept as they came; listings and listing_spans are recomputed from all that is known
of a listing whenever something about it arrives, so that events may arrive late, twice and in any order. Who
sells or buys is not kept. Money is in minor units of the row's currency; face_value_minor is null when it is
not known.

reporting_views.marketplace_activity
    Grain: the first offer of a listing, or one resale. Exact at any moment, with the rights of whoever reads.
    Columns: tenant_id, venue_id, event_id, ticket_type_id, currency, happened_at, new_listing_count and
    resale_count (0 or 1), resale_minor, royalty_minor, price_ratio (price over face value of a resale; null
    where the face value is not known, or 0), above_face_count (1: a resale above its known face value).
    Reader: GetMarketplaceActivity.

reporting_views.marketplace_activity_materialized
    Grain: show, its venue, currency and UTC day. As old as its last refresh, which materialized_refreshes
    tells: answers about now never read it, looks back over years in the database may.
    Columns: tenant_id, venue_id, event_id, currency, market_date, new_listing_count, resale_count,
    resale_minor, royalty_minor, known_face_resale_count, above_face_count, median_price_ratio,
    newest_fact_at.
    Reader: no method; exports read the exact view.
"""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import materialized_view, refresh_policy, tenant_table

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Grain: one statement about a listing. The indexes find the newest statement before an instant.
LISTING_STATEMENTS = """
create table listing_statements (
    tenant_id uuid not null,
    listing_id uuid not null,
    revision_id uuid not null,
    version bigint not null,
    stated_at timestamptz not null,
    venue_id uuid not null,
    ticket_id uuid not null,
    event_id uuid not null,
    ticket_type_id uuid,
    status text not null check (status in ('active', 'withdrawn')),
    currency text not null,
    price_minor bigint not null,
    face_value_minor bigint,
    primary key (tenant_id, listing_id, revision_id)
)
"""
STATEMENTS_BY_TIME = (
    "create index listing_statements_by_time on listing_statements (tenant_id, venue_id, stated_at)",
    "create index listing_statements_by_show on listing_statements (tenant_id, event_id, stated_at)",
)

# Grain: one listing as its newest statement leaves it. It is for sale while status is 'active' and closed_at,
# the time of the resale that ended it, is null. `first_listed_at` is the earliest statement that offered it.
# While only a resale has named the listing, status, currency, price and first_listed_at are null.
LISTINGS = """
create table listings (
    tenant_id uuid not null,
    listing_id uuid not null,
    venue_id uuid not null,
    ticket_id uuid not null,
    event_id uuid not null,
    ticket_type_id uuid,
    status text check (status in ('active', 'withdrawn')),
    currency text,
    price_minor bigint,
    face_value_minor bigint,
    first_listed_at timestamptz,
    closed_at timestamptz,
    primary key (tenant_id, listing_id)
)
"""
LISTINGS_BY_TIME = (
    "create index listings_by_time on listings (tenant_id, venue_id, first_listed_at)",
    "create index listings_by_show on listings (tenant_id, event_id, first_listed_at)",
)

# Grain: a span of time during which a listing was for sale on the same terms; `ends_at` null: it still is.
# `reach_hours` is a power of four not below the span's length, 0 without an end: what was for sale at an
# instant began, for each reach, at most so many hours before it. So the indexes find it at a cost in
# proportion to what there is to find, however many spans are over.
LISTING_SPANS = """
create table listing_spans (
    tenant_id uuid not null,
    listing_id uuid not null,
    starts_at timestamptz not null,
    ends_at timestamptz check (ends_at > starts_at),
    reach_hours integer not null,
    venue_id uuid not null,
    event_id uuid not null,
    currency text not null,
    price_minor bigint not null,
    face_value_minor bigint,
    primary key (tenant_id, listing_id, starts_at)
)
"""
SPANS_BY_REACH = (
    "create index listing_spans_by_reach on listing_spans (tenant_id, venue_id, reach_hours, starts_at)",
    "create index listing_spans_by_show on listing_spans (tenant_id, event_id, reach_hours, starts_at)",
)

# Grain: one resale, known by the id of its event.
RESALES = """
create table resales (
    tenant_id uuid not null,
    resale_id uuid not null,
    venue_id uuid not null,
    ticket_id uuid not null,
    event_id uuid not null,
    ticket_type_id uuid,
    listing_id uuid,
    resold_at timestamptz not null,
    currency text not null,
    price_minor bigint not null,
    face_value_minor bigint,
    royalty_minor bigint not null,
    primary key (tenant_id, resale_id)
)
"""
RESALES_BY_TIME = (
    "create index resales_by_time on resales (tenant_id, venue_id, resold_at)",
    "create index resales_by_show on resales (tenant_id, event_id, resold_at)",
)
RESALES_BY_LISTING = """
create index resales_by_listing on resales (tenant_id, listing_id, resold_at) where listing_id is not null
"""

ACTIVITY = """
create view reporting_views.marketplace_activity with (security_invoker = true) as
select tenant_id, venue_id, event_id, ticket_type_id, currency, first_listed_at as happened_at,
       1 as new_listing_count, 0 as resale_count, 0::bigint as resale_minor, 0::bigint as royalty_minor,
       null::double precision as price_ratio, 0 as above_face_count
  from listings
 where first_listed_at is not null
 union all
select tenant_id, venue_id, event_id, ticket_type_id, currency, resold_at, 0, 1, price_minor, royalty_minor,
       price_minor::double precision / nullif(face_value_minor, 0),
       case when face_value_minor > 0 and price_minor > face_value_minor then 1 else 0 end
  from resales
"""
ACTIVITY_READERS = """
do $$
begin
    execute format('grant select on reporting_views.marketplace_activity to %I, %I',
                   platform.role('app'), platform.role('refresh'));
end $$
"""

ACTIVITY_BY_DAY = """
select tenant_id, venue_id, event_id, currency, (happened_at at time zone 'UTC')::date as market_date,
       sum(new_listing_count)::bigint as new_listing_count, sum(resale_count)::bigint as resale_count,
       sum(resale_minor)::bigint as resale_minor, sum(royalty_minor)::bigint as royalty_minor,
       count(price_ratio) as known_face_resale_count, sum(above_face_count)::bigint as above_face_count,
       percentile_cont(0.5) within group (order by price_ratio) as median_price_ratio,
       max(happened_at) as newest_fact_at
  from reporting_views.marketplace_activity
 group by tenant_id, venue_id, event_id, currency, market_date
"""

# Grain: one materialized view. What committed before `refreshed_at` is in it. Tells nothing about any tenant.
REFRESHES = """
create table materialized_refreshes (
    view_name text primary key,
    refreshed_at timestamptz not null
)
"""
FIRST_REFRESH = """
insert into materialized_refreshes (view_name, refreshed_at)
values ('marketplace_activity_materialized', now())
"""
REFRESHES_READERS = """
do $$
begin
    execute format('grant select, insert, update on materialized_refreshes to %I', platform.role('worker'));
    execute format('grant select on materialized_refreshes to %I', platform.role('app'));
end $$
"""


def upgrade() -> None:
    apply(
        LISTING_STATEMENTS,
        STATEMENTS_BY_TIME,
        tenant_table("listing_statements", venue_column="venue_id", app="select, insert"),
    )
    apply(
        LISTINGS,
        LISTINGS_BY_TIME,
        tenant_table("listings", venue_column="venue_id", app="select, insert, update"),
        refresh_policy("listings"),
    )
    apply(LISTING_SPANS, SPANS_BY_REACH, tenant_table("listing_spans", venue_column="venue_id"))
    apply(
        RESALES,
        RESALES_BY_TIME,
        RESALES_BY_LISTING,
        tenant_table("resales", venue_column="venue_id", app="select, insert"),
        refresh_policy("resales"),
    )
    apply(ACTIVITY, ACTIVITY_READERS)
    apply(
        materialized_view(
            "marketplace_activity_materialized",
            ACTIVITY_BY_DAY,
            key=("tenant_id", "venue_id", "event_id", "currency", "market_date"),
            venue_column="venue_id",
        )
    )
    apply(REFRESHES, FIRST_REFRESH, REFRESHES_READERS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
