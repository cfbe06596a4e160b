"""What an erasure tells the other services, and the audit."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from tickettoken.events.v1 import customers_pb2
from tickettoken.events.v1.envelope_pb2 import Event

from services.customers.auditing import Subject, audit_event

SERVICE = "customers"
ERASURE_KEY = "erasures-in-work"
"""What the key that seals who is to be erased is derived for."""


def customer_erased(tenant_id: UUID, customer_id: UUID, erasure_id: UUID, pseudonym: UUID) -> Event:
    """The one event that names the person once more; its id is the same however often it is made."""
    stated = customers_pb2.CustomerErased(
        customer_id=str(customer_id), erasure_id=str(erasure_id), pseudonym=str(pseudonym)
    )
    event = Event(
        event_id=str(uuid5(erasure_id, "customer.erased")),
        type="customer.erased",
        tenant_id=str(tenant_id),
        entity_id=str(customer_id),
        producer=SERVICE,
        customer_erased=stated,
    )
    event.occurred_at.FromDatetime(datetime.now(UTC))
    return event


def erasure_audited(tenant_id: UUID, actor: str, pseudonym: UUID) -> Event:
    """That somebody erased somebody, both under pseudonyms."""
    subject = Subject("customer", str(pseudonym))
    return audit_event(tenant_id, actor, "PrivacyService/EraseCustomer", subject, at=datetime.now(UTC))
