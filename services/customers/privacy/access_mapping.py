"""What is held on a person as the contract tells it."""

from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from tickettoken.customers.v1 import privacy_pb2

from services.customers.privacy.access import Page, Record


def access_message(
    page: Page, next_page_token: str, *, is_masked: bool
) -> privacy_pb2.ExportCustomerDataResponse:
    """One page."""
    return privacy_pb2.ExportCustomerDataResponse(
        records=map(_record_message, page.records),
        next_page_token=next_page_token,
        services=page.services,
        is_masked=is_masked,
    )


def _record_message(record: Record) -> privacy_pb2.CustomerRecord:
    return privacy_pb2.CustomerRecord(
        service=record.service, section=record.section, data=ParseDict(record.data, Struct())
    )
