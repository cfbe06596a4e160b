"""Lists of customers as messages of the contract."""

from tickettoken.customers.v1 import segments_pb2

from libs.common.amounts import money_message
from libs.common.moments import timestamp_of
from services.customers.people.identity import identity_message
from services.customers.rfm.mapping import scores_message
from services.customers.segments.listing import CustomerPage
from services.customers.segments.listing_store import Listed


def page_message(page: CustomerPage, *, shows_pii: bool) -> segments_pb2.ListVenueCustomersResponse:
    return segments_pb2.ListVenueCustomersResponse(
        customers=[_customer_message(page, one, shows_pii=shows_pii) for one in page.customers],
        next_page_token=page.next_page_token,
        as_of=timestamp_of(max((one.newest_fact_at for one in page.customers), default=None)),
    )


def _customer_message(page: CustomerPage, listed: Listed, *, shows_pii: bool) -> segments_pb2.VenueCustomer:
    person, score = page.people.get(listed.customer_id), page.scores.get(listed.customer_id)
    message = segments_pb2.VenueCustomer(
        customer_id=str(listed.customer_id),
        identity=None if person is None else identity_message(person, shows_pii=shows_pii),
        scores=None if score is None else scores_message(score),
        churn_probability=listed.churn_probability,
        churn_horizon_days=listed.churn_horizon_days,
    )
    if listed.expected_minor is not None and listed.value_currency is not None:
        message.expected_value.CopyFrom(money_message(listed.expected_minor, listed.value_currency))
    return message
