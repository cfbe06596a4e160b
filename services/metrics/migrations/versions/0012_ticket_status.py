"""Where the tickets of each show and ticket type are.

reporting_views.ticket_status_details
    Grain: show and ticket type that was described, sold, offered, or seen at the doors; the zero id stands
    for tickets without a type. With the rights of whoever reads.
    Columns: tenant_id, event_id, venue_id (of the show), event_name, starts_at, ticket_type_id,
    ticket_type_name ('' where not told), capacity_count, held_count (0 where not told), available_count,
    sold_count (and not returned), refunded_count, transferred_count, listed_count, resold_count,
    scanned_count, newest_fact_at.
    Reader: GetTicketStatus.
"""

from libs.common.postgres.migrate import apply

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Everything is looked up show by show (lateral) in a few rows of sums, so that a page costs what its shows
# cost: ticket_types_by_event, ticket_counts_pkey, ticket_status_counts_pkey, listings_for_sale. Tickets that
# were sold without their show count for the show of their type. An offered ticket has the type that was last
# told of it, by whatever event; one that is offered twice is one.
STATUS = """
create view reporting_views.ticket_status_details
  with (security_barrier = true, security_invoker = true) as
select event.tenant_id, event.event_id, event.venue_id, event.name as event_name, event.starts_at,
       counted.ticket_type_id, coalesce(type.name, '') as ticket_type_name,
       coalesce(type.capacity, 0) as capacity_count, coalesce(type.held, 0) as held_count,
       greatest(0, coalesce(type.capacity, 0) - coalesce(type.held, 0) - counted.sold_count)
           as available_count,
       counted.sold_count, counted.refunded_count, counted.transferred_count, counted.listed_count,
       counted.resold_count, counted.scanned_count,
       greatest(type.revised_at, counted.newest_fact_at) as newest_fact_at
  from events as event
 cross join lateral (
       select part.ticket_type_id, sum(part.sold_count)::bigint as sold_count,
              sum(part.refunded_count)::bigint as refunded_count,
              sum(part.transferred_count)::bigint as transferred_count,
              sum(part.listed_count)::bigint as listed_count,
              sum(part.resold_count)::bigint as resold_count,
              sum(part.scanned_count)::bigint as scanned_count,
              max(part.newest_fact_at) as newest_fact_at
         from (select ticket_type_id, 0::bigint as sold_count, 0::bigint as refunded_count,
                      0::bigint as transferred_count, 0::bigint as listed_count, 0::bigint as resold_count,
                      0::bigint as scanned_count, null::timestamptz as newest_fact_at
                 from ticket_types
                where tenant_id = event.tenant_id and event_id = event.event_id
               union all
               select ticket_type_id, sold_count - refunded_count, refunded_count, 0, 0, 0, 0, newest_fact_at
                 from ticket_counts
                where tenant_id = event.tenant_id and event_id = event.event_id
                  and (sold_count <> 0 or refunded_count <> 0)
               union all
               select sold.ticket_type_id, sold.sold_count - sold.refunded_count, sold.refunded_count,
                      0, 0, 0, 0, sold.newest_fact_at
                 from ticket_types as own
                 join ticket_counts as sold
                   on sold.tenant_id = own.tenant_id
                  and sold.event_id = '00000000-0000-0000-0000-000000000000'
                  and sold.ticket_type_id = own.ticket_type_id
                where own.tenant_id = event.tenant_id and own.event_id = event.event_id
               union all
               select ticket_type_id, 0, 0, transferred_count, 0, resold_count, admitted_count, newest_fact_at
                 from ticket_status_counts
                where tenant_id = event.tenant_id and event_id = event.event_id
                  and (transferred_count <> 0 or resold_count <> 0 or admitted_count <> 0)
               union all
               select coalesce(ticket.ticket_type_id, offer.ticket_type_id,
                               '00000000-0000-0000-0000-000000000000'),
                      0, 0, 0, count(distinct offer.ticket_id), 0, 0, max(offer.first_listed_at)
                 from listings as offer
                 left join tickets as ticket
                   on ticket.tenant_id = offer.tenant_id and ticket.ticket_id = offer.ticket_id
                where offer.tenant_id = event.tenant_id and offer.event_id = event.event_id
                  and offer.status = 'active' and offer.closed_at is null
                group by 1) as part
        group by part.ticket_type_id) as counted
  left join ticket_types as type
    on type.tenant_id = event.tenant_id and type.event_id = event.event_id
   and type.ticket_type_id = counted.ticket_type_id
"""

# Offers that stand: the view counts them, however many are over.
LISTINGS_FOR_SALE = """
create index listings_for_sale on listings (tenant_id, event_id, ticket_id)
 where status = 'active' and closed_at is null
"""

READERS = """
do $$
begin
    execute format('grant select on reporting_views.ticket_status_details to %I', platform.role('app'));
end $$
"""


def upgrade() -> None:
    apply(STATUS, LISTINGS_FOR_SALE, READERS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
