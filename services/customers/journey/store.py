"""SQL of what a person bought, visited and passed on."""

from uuid import UUID

from libs.common.postgres.database import Connection
from services.customers.journey.entries import Entry, Kind, Stretch

# Grain: one fact about a person at a venue. Index: orders_by_customer, refunds_pkey, admissions_by_customer,
# transfers_from and transfers_to; the name of a show by events_pkey. Each source is a range of its index
# within the window; kinds and keys compare by their bytes, as they do in Python, which merges these with
# sessions and touchpoints.
_FACTS = """
with stretch as (
select fact.at, fact.kind, fact.key, fact.event_id, fact.order_id, fact.session_id, fact.channel,
       fact.ticket_count, fact.amount_minor, fact.currency
  from (
       select sale.revised_at as at, 'order' collate "C" as kind, sale.order_id::text collate "C" as key,
              sale.event_id, sale.order_id, sale.session_id, sale.channel,
              (select sum((line ->> 0)::integer)::integer
                 from jsonb_array_elements(sale.lines) as line) as ticket_count,
              sale.gross_minor as amount_minor, sale.currency
         from orders as sale
        where sale.tenant_id = $1 and sale.customer_id = $3 and sale.venue_id = $2 and sale.version >= 0
       union all
       select sale.cancelled_at, 'order_cancelled', sale.order_id::text, sale.event_id, sale.order_id, null,
              null, null, null, null
         from orders as sale
        where sale.tenant_id = $1 and sale.customer_id = $3 and sale.venue_id = $2
          and sale.cancelled_at is not null
       union all
       select refund.revised_at, 'refund', refund.refund_id::text, sale.event_id, sale.order_id, null, null,
              (select sum((line ->> 0)::integer)::integer from jsonb_array_elements(refund.lines) as line),
              refund.amount_minor, refund.currency
         from orders as sale
         join refunds as refund on refund.tenant_id = $1 and refund.order_id = sale.order_id
        where sale.tenant_id = $1 and sale.customer_id = $3 and sale.venue_id = $2
       union all
       select admission.admitted_at, 'admission', admission.ticket_id::text, admission.event_id,
              admission.order_id, null, null, null, null, null
         from admissions as admission
        where admission.tenant_id = $1 and admission.customer_id = $3 and admission.venue_id = $2
       union all
       select sent.transferred_at, 'ticket_sent', sent.transfer_id::text, sent.event_id, null, null, null,
              null, null, null
         from transfers as sent
        where sent.tenant_id = $1 and sent.from_customer_id = $3 and sent.venue_id = $2
       union all
       select received.transferred_at, 'ticket_received', received.transfer_id::text, received.event_id, null,
              null, null, null, null, null
         from transfers as received
        where received.tenant_id = $1 and received.to_customer_id = $3 and received.venue_id = $2
  ) as fact
 where fact.at >= $4 and fact.at < $5
   and ($6::timestamptz is null or (fact.at, fact.kind, fact.key) < ($6::timestamptz, $7::text, $8::text))
 order by fact.at desc, fact.kind desc, fact.key desc
 limit $9
)
select stretch.at, stretch.kind, stretch.key, stretch.event_id, show.name as event_name, stretch.order_id,
       stretch.session_id, stretch.channel, stretch.ticket_count, stretch.amount_minor, stretch.currency
  from stretch
  left join events as show on show.tenant_id = $1 and show.event_id = stretch.event_id
 order by stretch.at desc, stretch.kind desc, stretch.key desc
"""


async def select_facts(conn: Connection, tenant_id: UUID, stretch: Stretch) -> list[Entry]:
    """A stretch of what the read models hold of the person, in the order of places."""
    window, place = stretch.window, stretch.after or (None,) * 3
    rows = await conn.fetch(
        _FACTS,
        tenant_id,
        stretch.venue_id,
        stretch.customer_id,
        window.start,
        window.end,
        *place,
        stretch.limit,
    )
    return [
        Entry(
            at=row["at"],
            kind=Kind(row["kind"]),
            key=row["key"],
            id=row["key"],
            event_id=row["event_id"],
            event_name=row["event_name"] or "",
            order_id=row["order_id"],
            session_id=row["session_id"] or "",
            channel=row["channel"] or "",
            ticket_count=row["ticket_count"],
            amount_minor=row["amount_minor"],
            currency=row["currency"] or "",
        )
        for row in rows
    ]
