"""What an erasure tells the other services, and the audit."""

import hmac
from datetime import UTC, datetime
from uuid import UUID, uuid4, uuid5

from tickettoken.events.v1 import customers_pb2, operations_pb2
from tickettoken.events.v1.envelope_pb2 import Event

SERVICE = "customers"
ERASURE_KEY = "erasures-in-work"
AUDIT_KEY = "audited-callers"
"""What keys are derived for."""


def customer_erased(tenant_id: UUID, customer_id: UUID, erasure_id: UUID, pseudonym: UUID) -> Event:
    """The one event that names the person once more; its id is the same however often it is made."""
    stated = customers_pb2.CustomerErased(
        customer_id=str(customer_id), erasure_id=str(erasure_id), pseudonym=str(pseudonym)
    )
    return _event(
        tenant_id,
        uuid5(erasure_id, "customer.erased"),
        str(customer_id),
        type="customer.erased",
        customer_erased=stated,
    )


def erasure_audited(tenant_id: UUID, actor: str, pseudonym: UUID) -> Event:
    """That somebody erased somebody, both under pseudonyms."""
    stated = operations_pb2.AuditRecorded(
        actor=actor,
        action="customers.v1.PrivacyService/EraseCustomer",
        resource_type="customer",
        resource_id=str(pseudonym),
    )
    return _event(tenant_id, uuid4(), str(pseudonym), type="audit.recorded", audit_recorded=stated)


def actor_of(key: bytes, tenant_id: UUID, subject: str) -> str:
    """A caller's pseudonym for the audit: the same for all that they do in a tenant."""
    return hmac.digest(key, tenant_id.bytes + subject.encode(), "sha256").hex()[:32]


def _event(tenant_id: UUID, event_id: UUID, entity_id: str, **payload: object) -> Event:
    event = Event(
        event_id=str(event_id),
        tenant_id=str(tenant_id),
        entity_id=entity_id,
        producer=SERVICE,
        **payload,  # type: ignore[arg-type]  # the type's name and its one payload
    )
    event.occurred_at.FromDatetime(datetime.now(UTC))
    return event
