"""The audit event of a command on a campaign."""

from datetime import datetime
from typing import Final
from uuid import uuid4

from tickettoken.events.v1 import operations_pb2
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.context import Caller
from services.customers.campaigns.campaign import Campaign

_LONGEST_ACTOR: Final = 200


def audit_event(
    caller: Caller, action: str, before: Campaign | None, after: Campaign, *, at: datetime
) -> Event:
    """Who did what to the campaign, as the platform's services tell each other.

    Args:
        caller: The verified caller.
        action: The method, for example "customers.v1.CampaignsService/CreateCampaign".
        before: The state that was replaced; None: there was none.
        after: The state now.
        at: When.
    """
    recorded = operations_pb2.AuditRecorded(
        actor=caller.subject[:_LONGEST_ACTOR],
        action=action,
        resource_type="campaign",
        resource_id=str(after.campaign_id),
        before_hash="" if before is None else before.state_hash,
        after_hash=after.state_hash,
    )
    event = Event(
        event_id=str(uuid4()),
        type="audit.recorded",
        tenant_id=str(caller.tenant_id),
        venue_id=str(after.venue_id),
        entity_id=str(after.campaign_id),
        producer="customers",
        audit_recorded=recorded,
    )
    event.occurred_at.FromDatetime(at)
    return event
