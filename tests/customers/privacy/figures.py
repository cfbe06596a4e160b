"""Figures of a tenant that no erasure may change."""

from datetime import timedelta

from tickettoken.metrics.v1 import (
    capacity_pb2,
    marketplace_pb2,
    revenue_pb2,
)

from tests.customers.privacy.person import NOW

# Money and counts, by what they are about; no column says whose they are.
FIGURES = {
    "purchases": """
        select venue_id, currency, count(distinct customer_id) as people, sum(order_count) as orders,
               sum(ticket_count) as tickets, sum(spend_minor) as spend, sum(fee_minor) as fees
          from purchases where tenant_id = $1 group by 1, 2 order by 1, 2""",
    "admissions": "select event_id, count(*), count(distinct customer_id) from admissions"
    " where tenant_id = $1 group by 1 order by 1",
    "transfers": "select event_id, count(*), count(from_customer_id), count(to_customer_id),"
    " count(distinct from_customer_id) from transfers where tenant_id = $1 group by 1 order by 1",
    "customer_venues": "select venue_id, count(*), min(first_seen_at), max(last_seen_at) from customer_venues"
    " where tenant_id = $1 group by 1 order by 1",
    "customers": "select count(*) from customers where tenant_id = $1",
    "orders": "select count(*), sum(gross_minor), count(distinct customer_id) from orders"
    " where tenant_id = $1",
}


async def figures(admins, tenant):
    customers, metrics = admins
    of_customers = {name: await customers.fetch(query, tenant) for name, query in FIGURES.items()}
    return of_customers, await metrics.fetch(FIGURES["orders"], tenant)


async def answers_of_metrics(client, world):
    """Answers of metrics about the venue, as their messages."""
    window = {"venue_id": str(world.venue)}
    revenue = revenue_pb2.GetRevenueSummaryRequest(**window)
    market = marketplace_pb2.GetMarketplaceActivityRequest(**window)
    for request in (revenue, market):
        request.start_date.FromDatetime(NOW - timedelta(days=120))
        request.end_date.FromDatetime(NOW)
    seats = capacity_pb2.GetCapacityMetricsRequest(venue_id=str(world.venue))
    return (
        await client.analytics.GetRevenueSummary(revenue, metadata=client.metadata),
        await client.analytics.GetMarketplaceActivity(market, metadata=client.metadata),
        await client.metrics.GetCapacityMetrics(seats, metadata=client.metadata),
    )
