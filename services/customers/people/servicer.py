"""gRPC: CustomersService's search."""

from tickettoken.customers.v1 import search_pb2

from libs.common.context import current_caller
from services.customers.people.identity import caller_sees_pii
from services.customers.people.mapping import found_message
from services.customers.people.search import Search


class SearchServicer:
    """SearchCustomers."""

    def __init__(self, search: Search) -> None:
        self._search = search

    async def SearchCustomers(
        self, request: search_pb2.SearchCustomersRequest, _context: object
    ) -> search_pb2.SearchCustomersResponse:
        shows_pii = caller_sees_pii()
        found = await self._search.page(current_caller().scope, request, shows_pii=shows_pii)
        return found_message(found, shows_pii=shows_pii)
