"""People that were found as messages of the contract."""

from tickettoken.customers.v1 import search_pb2

from libs.common.moments import timestamp_of
from services.customers.people.identity import identity_message
from services.customers.people.search import Found


def found_message(found: Found, *, shows_pii: bool) -> search_pb2.SearchCustomersResponse:
    return search_pb2.SearchCustomersResponse(
        customers=[
            search_pb2.CustomerMatch(
                customer_id=str(match.customer_id),
                identity=identity_message(found.people[match.customer_id], shows_pii=shows_pii)
                if match.customer_id in found.people
                else None,
                segment=match.segment,
                last_seen_time=timestamp_of(match.last_seen_at),
            )
            for match in found.matches
        ],
        next_page_token=found.next_page_token,
        matching=found.matching,
        as_of=timestamp_of(max((match.last_seen_at for match in found.matches), default=None)),
    )
