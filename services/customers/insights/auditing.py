"""The audit event of what somebody does to a finding."""

import hashlib
from datetime import datetime
from uuid import uuid4

from tickettoken.events.v1 import operations_pb2
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.context import Caller
from services.customers.insights.insight import Insight
from services.customers.insights.vocabulary import State
from services.customers.privacy.announcing import actor_of


def audit_event(
    caller: Caller, method: str, before: Insight, after: State, *, at: datetime, key: bytes
) -> Event:
    """Who did what to the finding.

    Args:
        caller: The verified caller; named by a pseudonym that is the same for all that they do.
        method: Name of the method of InsightsService.
        before: The finding as it was.
        after: Its state now.
        at: When.
        key: Secret of the pseudonyms.
    """
    recorded = operations_pb2.AuditRecorded(
        actor=actor_of(key, caller.tenant_id, caller.subject),
        action=f"customers.v1.InsightsService/{method}",
        resource_type="insight",
        resource_id=str(before.insight_id),
        before_hash=_state_hash(before, before.state),
        after_hash=_state_hash(before, after),
    )
    event = Event(
        event_id=str(uuid4()),
        type="audit.recorded",
        tenant_id=str(caller.tenant_id),
        venue_id=str(before.venue_id),
        entity_id=str(before.insight_id),
        producer="customers",
        audit_recorded=recorded,
    )
    event.occurred_at.FromDatetime(at)
    return event


def _state_hash(insight: Insight, state: State) -> str:
    return hashlib.sha256(f"{insight.insight_id}|{state}".encode()).hexdigest()
