"""What is asked of exports, and rows that are put where they read."""

from datetime import timedelta

from tickettoken.customers.v1 import rows_pb2

from tests.customers.people.shoppers import registered
from tests.platform import events as make

ALWAYS = (make.NOON - timedelta(days=9), make.NOON + timedelta(days=400))
# Grain: a made-up order, a second after the one before.
MANY = """
insert into purchases (tenant_id, order_id, currency, venue_id, customer_id, sold_at, channel, order_count,
                       ticket_count, refunded_ticket_count, gross_minor, refund_minor, fee_minor,
                       newest_fact_at)
select $1, gen_random_uuid(), 'EUR', $2, $2, $3::timestamptz + number * interval '1 second', 'web', 1, 1, 0,
       number, 0, 0, $3::timestamptz
  from generate_series(1, $4::integer) as number
"""
# Grain: a score of a customer.
SCORE = """
insert into customer_rfm_scores (tenant_id, venue_id, customer_id, currency, last_purchase_at,
                                 last_purchase_day, order_count, spend_minor, recency_score, frequency_score,
                                 monetary_score, segment, newest_fact_at, changed_at, is_incremental)
values ($1, $2, $3, 'EUR', $4, $4::timestamptz::date, 3, 900, 5, 4, 3, 'loyal', $4, $4, false)
"""
ADA = {"name": "Ada Byron", "email": "ada@example.org", "phone": "+441234567890", "city": "London"}


def ada(tenant, person, **known):
    profile = {**ADA, "country": "GB", "tags": ["vip"], **known}
    return registered(tenant, person, registered_at=make.NOON, channel="app", **profile)


def asked(dataset, window=None, **fields):
    request = rows_pb2.ExportRowsRequest(dataset=dataset, **fields)
    if window is not None:
        request.window.start_time.FromDatetime(window[0])
        request.window.end_time.FromDatetime(window[1])
    return request
