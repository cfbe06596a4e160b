"""Data sets of exports; what a row of each is, in the contract's words, is in rows.proto."""

from dataclasses import dataclass
from typing import Final

from libs.common.tables.columns import Column, Kind, columns


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data set.

    Attributes:
        name: As callers name it.
        columns: All columns, in the order in which the statement selects them.
        statement: Selects the columns, and after them whether the row's person has consented. Its binds are
            $1 tenant, $2 and $3 start and end of the window (null: open), $4 venue (null: every one that
            row-level security shows), $5 most rows (null: all). Ids come as text and instants as
            microseconds, which costs less than objects of either.
    """

    name: str
    columns: tuple[Column, ...]
    statement: str


# Grain: person. Index: customer_venues_by_customer, purchases_by_customer and customers_pkey, all of which
# come in the order of ids, so that nothing is sorted. Who has dealt with no venue is sent where nothing
# limits the venues: the grant is asked here as row-level security asks it, since people have no venue.
_CUSTOMERS: Final = """
select person.customer_id::text, nullif(person.name, ''), nullif(person.email, ''), nullif(person.phone, ''),
       nullif(person.city, ''), nullif(person.country, ''), to_json(person.tags)::text,
       person.marketing_consent,
       (extract(epoch from person.registered_at) * 1000000)::bigint, nullif(person.channel, ''),
       (extract(epoch from seen.first_seen_at) * 1000000)::bigint,
       (extract(epoch from seen.last_seen_at) * 1000000)::bigint,
       coalesce(bought.order_count, 0), coalesce(bought.ticket_count, 0),
       coalesce(person.marketing_consent, false)
  from customers as person
  left join (
       select customer_id, min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at
         from customer_venues
        where tenant_id = $1 and ($4::uuid is null or venue_id = $4)
        group by customer_id) as seen
    on seen.customer_id = person.customer_id
  left join (
       select customer_id, sum(order_count)::bigint as order_count,
              sum(ticket_count - refunded_ticket_count)::bigint as ticket_count
         from purchases
        where tenant_id = $1 and ($4::uuid is null or venue_id = $4)
        group by customer_id) as bought
    on bought.customer_id = person.customer_id
 where person.tenant_id = $1
   and (seen.customer_id is not null
        or ($4::uuid is null and current_setting('app.venue_grant', true) = '*'
            and $2::timestamptz is null and $3::timestamptz is null))
   and ($2::timestamptz is null or seen.last_seen_at >= $2)
   and ($3::timestamptz is null or seen.last_seen_at < $3)
 order by person.customer_id
 limit $5
"""

# Grain: order of a customer and currency. Index: purchases_by_venue; the window of all venues is sorted.
# People come by customers_pkey.
_PURCHASES: Final = """
select sale.order_id::text, sale.venue_id::text, sale.customer_id::text, sale.event_id::text,
       (extract(epoch from sale.sold_at) * 1000000)::bigint, sale.channel, sale.currency, sale.order_count,
       sale.ticket_count, sale.refunded_ticket_count, sale.gross_minor, sale.refund_minor, sale.fee_minor,
       sale.spend_minor, (extract(epoch from sale.newest_fact_at) * 1000000)::bigint,
       coalesce(person.marketing_consent, false)
  from purchases as sale
  left join customers as person on person.tenant_id = $1 and person.customer_id = sale.customer_id
 where sale.tenant_id = $1 and ($2::timestamptz is null or sale.sold_at >= $2)
   and ($3::timestamptz is null or sale.sold_at < $3) and ($4::uuid is null or sale.venue_id = $4)
 order by sale.sold_at, sale.order_id, sale.currency
 limit $5
"""

# Grain: customer and venue, or customer and tenant. Index: customer_rfm_scores_pkey, whose order it is;
# people come by customers_pkey.
_SCORES: Final = """
select nullif(score.venue_id, '00000000-0000-0000-0000-000000000000')::text, score.customer_id::text,
       score.segment, score.recency_score, score.frequency_score, score.monetary_score, score.currency,
       score.order_count, score.spend_minor, (extract(epoch from score.last_purchase_at) * 1000000)::bigint,
       (extract(epoch from score.newest_fact_at) * 1000000)::bigint,
       (extract(epoch from score.changed_at) * 1000000)::bigint, coalesce(person.marketing_consent, false)
  from customer_rfm_scores as score
  left join customers as person on person.tenant_id = $1 and person.customer_id = score.customer_id
 where score.tenant_id = $1 and ($2::timestamptz is null or score.last_purchase_at >= $2)
   and ($3::timestamptz is null or score.last_purchase_at < $3) and ($4::uuid is null or score.venue_id = $4)
 order by score.venue_id, score.customer_id
 limit $5
"""

_ALL: Final = (
    DataSet(
        "customers",
        columns(
            "customer_id name email phone city country tags marketing_consent registered_at channel"
            " first_seen_at last_seen_at order_count ticket_count",
            marketing_consent=Kind.BOOLEAN,
        ),
        _CUSTOMERS,
    ),
    DataSet(
        "purchases",
        columns(
            "order_id venue_id customer_id event_id sold_at channel currency order_count ticket_count"
            " refunded_ticket_count gross_minor refund_minor fee_minor spend_minor newest_fact_at"
        ),
        _PURCHASES,
    ),
    DataSet(
        "scores",
        columns(
            "venue_id customer_id segment recency_score frequency_score monetary_score currency order_count"
            " spend_minor last_purchase_at newest_fact_at changed_at"
        ),
        _SCORES,
    ),
)
DATA_SETS: Final = {one.name: one for one in _ALL}
