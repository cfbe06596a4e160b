"""What the audit is told: who did what, and who was handed what, all under pseudonyms."""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from tickettoken.events.v1 import operations_pb2
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus import outbox
from libs.common.context import Caller
from libs.common.postgres.database import Database

AUDIT_KEY: Final = "audited-callers"
"""What the key of pseudonyms is derived for."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What something was done to.

    Attributes:
        kind: For example "segment".
        id: Which one; empty: the whole tenant.
        venue_id: Its venue; None: it has none.
        entity_id: What the event is about where that is not the thing itself.
        before_hash: Of its state before, hexadecimal; empty: there was none.
        after_hash: Of its state after; empty: there is none.
    """

    kind: str
    id: str
    venue_id: UUID | None = None
    entity_id: str = ""
    before_hash: str = ""
    after_hash: str = ""


def actor_of(key: bytes, tenant_id: UUID, subject: str) -> str:
    """A caller's pseudonym for the audit: the same for all that they do in a tenant."""
    return hmac.digest(key, tenant_id.bytes + subject.encode(), "sha256").hex()[:32]


def audit_event(tenant_id: UUID, actor: str, action: str, subject: Subject, *, at: datetime) -> Event:
    """That somebody did something.

    Args:
        tenant_id: The tenant.
        actor: The caller's pseudonym.
        action: Service and method, for example "CampaignsService/CreateCampaign".
        subject: What it was done to.
        at: When.
    """
    event = Event(
        event_id=str(uuid4()),
        type="audit.recorded",
        tenant_id=str(tenant_id),
        venue_id="" if subject.venue_id is None else str(subject.venue_id),
        entity_id=subject.entity_id or subject.id or str(tenant_id),
        producer="customers",
        audit_recorded=operations_pb2.AuditRecorded(
            actor=actor,
            action=f"customers.v1.{action}",
            resource_type=subject.kind,
            resource_id=subject.id,
            before_hash=subject.before_hash,
            after_hash=subject.after_hash,
        ),
    )
    event.occurred_at.FromDatetime(at)
    return event


class Audit:
    """Tells of what is handed out, before it is.

    Args:
        database: The service's database, whose outbox holds what is told.
        key: Secret of the pseudonyms.
    """

    def __init__(self, database: Database, key: bytes) -> None:
        self._database = database
        self._key = key

    async def tell(self, caller: Caller, action: str, subject: Subject) -> None:
        """Have the audit know; as `audit_event` says."""
        actor = actor_of(self._key, caller.tenant_id, caller.subject)
        event = audit_event(caller.tenant_id, actor, action, subject, at=datetime.now(UTC))
        async with self._database.transaction(caller.scope) as conn:
            await outbox.append(conn, [event])

    def person(self, tenant_id: UUID, customer_id: UUID) -> str:
        """A customer's pseudonym for the audit, which says nothing of them once they are erased."""
        return actor_of(self._key, tenant_id, f"customer:{customer_id}")
