"""gRPC: PrivacyService, one class a capability."""

from typing import Final
from uuid import UUID

from tickettoken.customers.v1 import datasets_pb2, privacy_pb2

from libs.common.context import current_caller
from libs.common.errors import InvalidField
from libs.common.paging import PageTokens, page_size
from services.customers.auditing import Audit, Subject
from services.customers.people.identity import caller_sees_pii
from services.customers.privacy.access import Access
from services.customers.privacy.access_mapping import access_message
from services.customers.privacy.dataset_mapping import dataset_message
from services.customers.privacy.datasets import Datasets, Wanted
from services.customers.privacy.erasing import Erasing
from services.customers.privacy.mapping import erasure_message

_CITY: Final = "city"


class ErasureServicer:
    """EraseCustomer, GetErasure."""

    def __init__(self, erasing: Erasing) -> None:
        self._erasing = erasing

    async def EraseCustomer(
        self, request: privacy_pb2.EraseCustomerRequest, _context: object
    ) -> privacy_pb2.EraseCustomerResponse:
        erasure = await self._erasing.begin(current_caller(), UUID(request.customer_id), request.reason)
        return privacy_pb2.EraseCustomerResponse(erasure=erasure_message(erasure))

    async def GetErasure(
        self, request: privacy_pb2.GetErasureRequest, _context: object
    ) -> privacy_pb2.GetErasureResponse:
        erasure = await self._erasing.get(current_caller().scope, UUID(request.erasure_id))
        return privacy_pb2.GetErasureResponse(erasure=erasure_message(erasure))


class AccessServicer:
    """ExportCustomerData."""

    def __init__(self, access: Access, pages: PageTokens, audit: Audit) -> None:
        self._access = access
        self._pages = pages
        self._audit = audit

    async def ExportCustomerData(
        self, request: privacy_pb2.ExportCustomerDataRequest, _context: object
    ) -> privacy_pb2.ExportCustomerDataResponse:
        caller, customer_id, shows_pii = current_caller(), UUID(request.customer_id), caller_sees_pii()
        scope = caller.scope
        after = self._pages.read(tenant_id=scope.tenant_id, request=request)
        limit = page_size(request.page_size)
        page = await self._access.page(scope, customer_id, after, limit, shows_pii=shows_pii)
        if after is None:
            person = Subject("customer", self._audit.person(scope.tenant_id, customer_id))
            await self._audit.tell(caller, "PrivacyService/ExportCustomerData", person)
        position = page.position
        token = position and self._pages.make(position, tenant_id=scope.tenant_id, request=request)
        return access_message(page, token or "", is_masked=not shows_pii)


class DatasetServicer:
    """AnonymizeDataset."""

    def __init__(self, datasets: Datasets, audit: Audit) -> None:
        self._datasets = datasets
        self._audit = audit

    async def AnonymizeDataset(
        self, request: datasets_pb2.AnonymizeDatasetRequest, _context: object
    ) -> datasets_pb2.AnonymizeDatasetResponse:
        if _CITY in request.quasi_identifiers and not caller_sees_pii():
            raise InvalidField.of("quasiIdentifiers", f"{_CITY} needs the permission analytics.pii")
        wanted = Wanted(
            venue_id=UUID(request.venue_id) if request.venue_id else None,
            k=request.k,
            quasi_identifiers=tuple(request.quasi_identifiers),
            sensitive=request.sensitive_column,
            currency=request.currency,
        )
        caller = current_caller()
        dataset = await self._datasets.make(caller.scope, wanted)
        subject = Subject("dataset", request.venue_id, wanted.venue_id)
        await self._audit.tell(caller, "PrivacyService/AnonymizeDataset", subject)
        return dataset_message(wanted, dataset)
