"""SQL of everything that PostgreSQL holds on a person, a section a table."""

import json
from typing import Any, Final, NamedTuple
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Connection

# Each statement: $1 tenant, $2 person, $3 the key of the last row before, $4 most rows; grain one row of its
# table that names the person, found by the table's index on people and put in the order of its key, unique
# among them.
_IDENTITY = """
select customer_id::text as key,
       jsonb_build_object('customer_id', customer_id, 'name', name, 'email', email, 'phone', phone,
                          'city', city, 'country', country, 'marketing_consent', marketing_consent,
                          'registered_at', registered_at, 'channel', channel, 'tags', tags) as data
  from customers
 where tenant_id = $1 and customer_id = $2 and customer_id::text > $3
 order by 1 limit $4
"""
_WORDS = """
select kind || ' ' || word as key, jsonb_build_object('word', word, 'kind', kind) as data
  from customer_words
 where tenant_id = $1 and customer_id = $2 and kind || ' ' || word > $3
 order by 1 limit $4
"""
_VENUES = """
select venue_id::text as key,
       jsonb_build_object('venue_id', venue_id, 'first_seen_at', first_seen_at, 'last_seen_at', last_seen_at)
           as data
  from customer_venues
 where tenant_id = $1 and customer_id = $2 and venue_id::text > $3
 order by 1 limit $4
"""
_ORDERS = """
select order_id::text as key,
       jsonb_build_object('order_id', order_id, 'venue_id', venue_id, 'event_id', event_id,
                          'session_id', session_id, 'channel', channel, 'currency', currency,
                          'gross_minor', gross_minor, 'fee_minor', fee_minor, 'lines', lines,
                          'sold_at', case when version >= 0 then revised_at end,
                          'cancelled_at', cancelled_at) as data
  from orders
 where tenant_id = $1 and customer_id = $2 and order_id::text > $3
 order by 1 limit $4
"""
_REFUNDS = """
select r.refund_id::text || ' ' || r.order_id::text as key,
       jsonb_build_object('refund_id', r.refund_id, 'order_id', r.order_id, 'venue_id', r.venue_id,
                          'currency', r.currency, 'amount_minor', r.amount_minor, 'fee_minor', r.fee_minor,
                          'lines', r.lines, 'refunded_at', r.revised_at) as data
  from orders o
  join refunds r on r.tenant_id = $1 and r.order_id = o.order_id
 where o.tenant_id = $1 and o.customer_id = $2 and r.refund_id::text || ' ' || r.order_id::text > $3
 order by 1 limit $4
"""
_PURCHASES = """
select order_id::text || ' ' || currency as key,
       jsonb_build_object('order_id', order_id, 'currency', currency, 'venue_id', venue_id,
                          'event_id', event_id, 'sold_at', sold_at, 'channel', channel,
                          'session_id', session_id, 'order_count', order_count, 'ticket_count', ticket_count,
                          'refunded_ticket_count', refunded_ticket_count, 'gross_minor', gross_minor,
                          'refund_minor', refund_minor, 'fee_minor', fee_minor, 'spend_minor', spend_minor)
           as data
  from purchases
 where tenant_id = $1 and customer_id = $2 and order_id::text || ' ' || currency > $3
 order by 1 limit $4
"""
_ADMISSIONS = """
select ticket_id::text as key,
       jsonb_build_object('ticket_id', ticket_id, 'venue_id', venue_id, 'event_id', event_id,
                          'order_id', order_id, 'admitted_at', admitted_at) as data
  from admissions
 where tenant_id = $1 and customer_id = $2 and ticket_id::text > $3
 order by 1 limit $4
"""
# The other hand of a transfer is another person: the answer says only which way the ticket went.
_TRANSFERS = """
select transfer_id::text as key,
       jsonb_build_object('transfer_id', transfer_id, 'ticket_id', ticket_id, 'venue_id', venue_id,
                          'event_id', event_id, 'gave', from_customer_id is not distinct from $2::uuid,
                          'got', to_customer_id is not distinct from $2::uuid,
                          'transferred_at', transferred_at) as data
  from transfers
 where tenant_id = $1 and (from_customer_id = $2 or to_customer_id = $2) and transfer_id::text > $3
 order by 1 limit $4
"""
_SCORES = """
select venue_id::text as key,
       jsonb_build_object('venue_id', venue_id, 'currency', currency, 'last_purchase_at', last_purchase_at,
                          'order_count', order_count, 'spend_minor', spend_minor, 'other_spend', other_spend,
                          'recency_score', recency_score, 'frequency_score', frequency_score,
                          'monetary_score', monetary_score, 'segment', segment, 'changed_at', changed_at)
           as data
  from customer_rfm_scores
 where tenant_id = $1 and customer_id = $2 and venue_id::text > $3
 order by 1 limit $4
"""
_MOVES = """
select venue_id::text || ' ' || extract(epoch from moved_at)::text as key,
       jsonb_build_object('venue_id', venue_id, 'moved_at', moved_at, 'from_segment', from_segment,
                          'to_segment', to_segment, 'recency_before', recency_before,
                          'recency_after', recency_after, 'frequency_before', frequency_before,
                          'frequency_after', frequency_after, 'monetary_before', monetary_before,
                          'monetary_after', monetary_after) as data
  from segment_moves
 where tenant_id = $1 and customer_id = $2
   and venue_id::text || ' ' || extract(epoch from moved_at)::text > $3
 order by 1 limit $4
"""
_MEMBERS = """
select venue_id::text || ' ' || segment as key,
       jsonb_build_object('venue_id', venue_id, 'segment', segment, 'since', since) as data
  from customer_segment_members
 where tenant_id = $1 and customer_id = $2 and venue_id::text || ' ' || segment > $3
 order by 1 limit $4
"""
_LIFETIME = """
select venue_id::text || ' ' || currency as key,
       jsonb_build_object('venue_id', venue_id, 'currency', currency, 'is_main', is_main, 'basis', basis,
                          'purchase_count', purchase_count, 'historic_minor', historic_minor,
                          'expected_minor', expected_minor, 'low_minor', low_minor, 'high_minor', high_minor,
                          'expected_purchases', expected_purchases, 'alive_probability', alive_probability,
                          'model', model, 'computed_at', computed_at) as data
  from customer_lifetime_value
 where tenant_id = $1 and customer_id = $2 and venue_id::text || ' ' || currency > $3
 order by 1 limit $4
"""
_CHURN = """
select venue_id::text as key,
       jsonb_build_object('venue_id', venue_id, 'probability', probability, 'horizon_days', horizon_days,
                          'model', model, 'drivers', drivers, 'usual_gap_days', usual_gap_days,
                          'has_missed_usual_show', has_missed_usual_show, 'computed_at', computed_at) as data
  from customer_churn
 where tenant_id = $1 and customer_id = $2 and venue_id::text > $3
 order by 1 limit $4
"""

# Findings are about venues and shows, and there are few of them: read through for one that names the person.
_INSIGHTS = """
select insight_id::text as key,
       jsonb_build_object('insight_id', insight_id, 'venue_id', venue_id, 'type', type, 'subject', subject,
                          'state', state, 'title', title, 'description', description, 'evidence', evidence,
                          'found_at', found_at, 'dismissed_at', dismissed_at,
                          'dismiss_reason', dismiss_reason) as data
  from insights
 where tenant_id = $1 and strpos(lower(concat_ws(' ', subject, evidence, dismiss_reason)), ($2::uuid)::text) >
 0
   and insight_id::text > $3
 order by 1 limit $4
"""
# What somebody did about a finding, and told of the person with it. Who did it is kept nowhere.
_ACTIONS = """
select insight_id::text || ' ' || action_id::text as key,
       jsonb_build_object('insight_id', insight_id, 'action_id', action_id, 'venue_id', venue_id,
                          'action', action, 'parameters', parameters, 'taken_at', taken_at) as data
  from insight_actions
 where tenant_id = $1 and strpos(lower(parameters::text), ($2::uuid)::text) > 0
   and insight_id::text || ' ' || action_id::text > $3
 order by 1 limit $4
"""

SECTIONS: Final = {
    "customers": _IDENTITY,
    "customer_words": _WORDS,
    "customer_venues": _VENUES,
    "orders": _ORDERS,
    "refunds": _REFUNDS,
    "purchases": _PURCHASES,
    "admissions": _ADMISSIONS,
    "transfers": _TRANSFERS,
    "customer_rfm_scores": _SCORES,
    "segment_moves": _MOVES,
    "customer_segment_members": _MEMBERS,
    "customer_lifetime_value": _LIFETIME,
    "customer_churn": _CHURN,
    "insights": _INSIGHTS,
    "insight_actions": _ACTIONS,
}
"""Statement of each section, by its table."""
Data = dict[str, Any]
Rows = list[tuple[str, Data]]


class Asked(NamedTuple):
    """Rows of a person after a key, of what a scope may see."""

    scope: TenantScope
    customer_id: UUID
    after: str
    limit: int


async def rows_of(conn: Connection, section: str, asked: Asked) -> Rows:
    """At most `limit` rows of a section with their keys, ascending."""
    tenant_id = asked.scope.tenant_id
    rows = await conn.fetch(SECTIONS[section], tenant_id, asked.customer_id, asked.after, asked.limit)
    return [(row["key"], json.loads(row["data"])) for row in rows]
