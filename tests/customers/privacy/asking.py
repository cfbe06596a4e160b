"""Erasures and exports of a person, asked of the running service."""

from tickettoken.customers.v1 import privacy_pb2

from tests.customers.privacy.settling import eventually


async def erase(client, person, *, reason="customer_request"):
    request = privacy_pb2.EraseCustomerRequest(customer_id=str(person), reason=reason)
    return (await client.privacy.EraseCustomer(request, metadata=client.metadata)).erasure


async def receipt(client, erasure_id):
    request = privacy_pb2.GetErasureRequest(erasure_id=erasure_id)
    return (await client.privacy.GetErasure(request, metadata=client.metadata)).erasure


async def erased(client, person):
    """The receipt once all services have confirmed."""
    begun = await erase(client, person)
    return await eventually(lambda: receipt(client, begun.erasure_id), lambda one: one.state == "complete")


async def exported(client, person):
    records, token = [], ""
    while True:
        request = privacy_pb2.ExportCustomerDataRequest(
            customer_id=str(person), page_size=7, page_token=token
        )
        page = await client.privacy.ExportCustomerData(request, metadata=client.metadata)
        records += page.records
        token = page.next_page_token
        if not token:
            return records, page


def exporting(client, person):
    request = privacy_pb2.ExportCustomerDataRequest(customer_id=str(person))
    return client.privacy.ExportCustomerData(request, metadata=client.metadata)
