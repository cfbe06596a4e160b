"""The audit event of what somebody does to a finding."""

import hashlib
from datetime import datetime

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.context import Caller
from services.customers.auditing import Subject, actor_of, audit_event
from services.customers.insights.insight import Insight
from services.customers.insights.vocabulary import State


def judgement_audited(
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
    subject = Subject(
        "insight",
        str(before.insight_id),
        before.venue_id,
        before_hash=_state_hash(before, before.state),
        after_hash=_state_hash(before, after),
    )
    actor = actor_of(key, caller.tenant_id, caller.subject)
    return audit_event(caller.tenant_id, actor, f"InsightsService/{method}", subject, at=at)


def _state_hash(insight: Insight, state: State) -> str:
    return hashlib.sha256(f"{insight.insight_id}|{state}".encode()).hexdigest()
