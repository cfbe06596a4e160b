"""SQL that takes a person out of every table of the service.

Facts keep their money and counts under the pseudonym, and so do figures that are made from facts alone, which
a next run would make under the pseudonym again. What says who the person is goes.
"""

from typing import Final
from uuid import UUID

from libs.common.postgres.database import Connection

# Each statement: $1 tenant, $2 person, $3 pseudonym; grain one row of its table that names the person. Index
# orders_by_customer.
_ORDERS = "update orders set customer_id = $3 where tenant_id = $1 and customer_id = $2"
# Index purchases_by_customer.
_PURCHASES = "update purchases set customer_id = $3 where tenant_id = $1 and customer_id = $2"
# Index admissions_by_customer.
_ADMISSIONS = "update admissions set customer_id = $3 where tenant_id = $1 and customer_id = $2"
# Indexes transfers_from and transfers_to. A person may have passed a ticket to themselves.
_TRANSFERS = """
update transfers
   set from_customer_id = case when from_customer_id = $2 then $3 else from_customer_id end,
       to_customer_id = case when to_customer_id = $2 then $3 else to_customer_id end
 where tenant_id = $1 and (from_customer_id = $2 or to_customer_id = $2)
"""
# Index customer_venues_by_customer. Late facts may have made the pseudonym's row already: both are joined.
_PLACE_AT_VENUES = """
insert into customer_venues as kept (tenant_id, venue_id, customer_id, first_seen_at, last_seen_at)
select tenant_id, venue_id, $3, first_seen_at, last_seen_at
  from customer_venues where tenant_id = $1 and customer_id = $2
on conflict (tenant_id, venue_id, customer_id) do update
   set first_seen_at = least(kept.first_seen_at, excluded.first_seen_at),
       last_seen_at = greatest(kept.last_seen_at, excluded.last_seen_at)
"""
_CUSTOMER_VENUES = """
delete from customer_venues where tenant_id = $1 and customer_id = $2 and customer_id <> $3
"""
# The primary key. An empty row takes the place, as the first late fact about the pseudonym would make it.
_PLACE_OF_CUSTOMER = """
insert into customers (tenant_id, customer_id)
select tenant_id, $3 from customers where tenant_id = $1 and customer_id = $2
on conflict (tenant_id, customer_id) do nothing
"""
_CUSTOMERS = "delete from customers where tenant_id = $1 and customer_id = $2 and customer_id <> $3"
# Index customer_words_by_customer. They are parts of the name and the address: nothing takes their place.
_WORDS = "delete from customer_words where tenant_id = $1 and customer_id = $2 and customer_id <> $3"
# From here on the primary key, whose few venues are skipped over. Segments count who is in them, so figures
# change hands; where late facts have made the pseudonym's row already, the person's goes.
_SCORES = """
update customer_rfm_scores as s set customer_id = $3
 where s.tenant_id = $1 and s.customer_id = $2
   and not exists (
       select from customer_rfm_scores o
        where o.tenant_id = $1 and o.venue_id = s.venue_id and o.customer_id = $3)
"""
# Whoever goes without anybody in their place is taken out of the sums as well; other transactions that write
# them wait for the lock of scores, which the caller holds.
_SCORES_REST = """
with gone as (
    delete from customer_rfm_scores
     where tenant_id = $1 and customer_id = $2 and customer_id <> $3
    returning venue_id, segment, currency, order_count, spend_minor, last_purchase_day, other_spend
), taken as (
    select gone.venue_id, gone.segment, gone.currency, 1 as customer_count, gone.order_count,
           gone.spend_minor, gone.last_purchase_day - date '2000-01-01' as last_day_sum
      from gone
     union all
    select gone.venue_id, gone.segment, other.key, 0, 0, other.value::bigint, 0
      from gone
     cross join lateral jsonb_each_text(gone.other_spend) as other
), lowered as (
    update segment_totals as kept
       set customer_count = kept.customer_count - taken.customer_count,
           order_count = kept.order_count - taken.order_count,
           spend_minor = kept.spend_minor - taken.spend_minor,
           last_day_sum = kept.last_day_sum - taken.last_day_sum
      from taken
     where kept.tenant_id = $1 and kept.venue_id = taken.venue_id and kept.segment = taken.segment
       and kept.currency = taken.currency
)
select from gone
"""
_MOVES = """
update segment_moves as m set customer_id = $3
 where m.tenant_id = $1 and m.customer_id = $2
   and not exists (
       select from segment_moves o
        where o.tenant_id = $1 and o.venue_id = m.venue_id and o.customer_id = $3 and o.moved_at = m.moved_at)
"""
_MOVES_REST = "delete from segment_moves where tenant_id = $1 and customer_id = $2 and customer_id <> $3"
# Whose scores must follow: the pseudonym's, from what is now theirs.
_PENDING = """
update rfm_pending as p set customer_id = $3
 where p.tenant_id = $1 and p.customer_id = $2
   and not exists (
       select from rfm_pending o where o.tenant_id = $1 and o.venue_id = p.venue_id and o.customer_id = $3)
"""
_PENDING_REST = "delete from rfm_pending where tenant_id = $1 and customer_id = $2 and customer_id <> $3"
_LIFETIME = """
update customer_lifetime_value as v set customer_id = $3
 where v.tenant_id = $1 and v.customer_id = $2
   and not exists (
       select from customer_lifetime_value o
        where o.tenant_id = $1 and o.venue_id = v.venue_id and o.customer_id = $3 and o.currency = v.currency)
"""
_LIFETIME_REST = """
delete from customer_lifetime_value where tenant_id = $1 and customer_id = $2 and customer_id <> $3
"""
_CHURN = """
update customer_churn as c set customer_id = $3
 where c.tenant_id = $1 and c.customer_id = $2
   and not exists (
       select from customer_churn o where o.tenant_id = $1 and o.venue_id = c.venue_id and o.customer_id = $3)
"""
_CHURN_REST = "delete from customer_churn where tenant_id = $1 and customer_id = $2 and customer_id <> $3"

# Index customer_segment_members_by_customer. Being in a tenant's own segment can tell where somebody lives.
_MEMBERS = """
delete from customer_segment_members where tenant_id = $1 and customer_id = $2 and customer_id <> $3
"""
# What is left of the pseudonym may still belong to segments: to be looked at again, like after a purchase.
_MARK = """
insert into rfm_pending (tenant_id, venue_id, customer_id, marked_at)
select tenant_id, venue_id, $3, clock_timestamp()
  from customer_venues where tenant_id = $1 and customer_id = $2
 order by venue_id
on conflict (tenant_id, venue_id, customer_id) do update set marked_at = excluded.marked_at
"""
# Findings are about venues and shows, and there are few of them: read through for one that names the person.
_ACTIONS = """
delete from insight_actions
 where tenant_id = $1 and strpos(lower(parameters::text), ($2::uuid)::text) > 0 and $2::uuid <> $3
"""
_INSIGHTS = """
delete from insights
 where tenant_id = $1 and strpos(lower(concat_ws(' ', subject, evidence, dismiss_reason)), ($2::uuid)::text) >
 0
   and $2::uuid <> $3
"""

_PLACING: Final = (_MARK, _PLACE_AT_VENUES, _PLACE_OF_CUSTOMER)
CLEANING: Final = (
    ("orders", _ORDERS),
    ("purchases", _PURCHASES),
    ("admissions", _ADMISSIONS),
    ("transfers", _TRANSFERS),
    ("customer_venues", _CUSTOMER_VENUES),
    ("customers", _CUSTOMERS),
    ("customer_words", _WORDS),
    ("customer_segment_members", _MEMBERS),
    ("customer_rfm_scores", _SCORES),
    ("customer_rfm_scores", _SCORES_REST),
    ("segment_moves", _MOVES),
    ("segment_moves", _MOVES_REST),
    ("rfm_pending", _PENDING),
    ("rfm_pending", _PENDING_REST),
    ("customer_lifetime_value", _LIFETIME),
    ("customer_lifetime_value", _LIFETIME_REST),
    ("customer_churn", _CHURN),
    ("customer_churn", _CHURN_REST),
    ("insight_actions", _ACTIONS),
    ("insights", _INSIGHTS),
)
"""Statements by table, in the order in which recorders write these tables, so that they wait in one order."""


async def clean_tables(
    conn: Connection, tenant_id: UUID, customer_id: UUID, pseudonym: UUID
) -> dict[str, int]:
    """Rows that named the person, by table; none does any more."""
    touched: dict[str, int] = {}
    for statement in _PLACING:
        await conn.execute(statement, tenant_id, customer_id, pseudonym)
    for table, statement in CLEANING:
        outcome = await conn.execute(statement, tenant_id, customer_id, pseudonym)
        touched[table] = touched.get(table, 0) + int(outcome.rpartition(" ")[2])
    return touched
