"""The audit event of a command on a campaign."""

from uuid import UUID, uuid4

from tickettoken.events.v1 import operations_pb2
from tickettoken.events.v1.envelope_pb2 import Event

from services.customers.campaigns.campaign import Campaign


def audit_event(tenant_id: UUID, actor: str, action: str, before: Campaign | None, after: Campaign) -> Event:
    """Who did what to the campaign, as the platform's services tell each other.

    Args:
        tenant_id: The tenant.
        actor: The caller's pseudonym.
        action: The method, for example "customers.v1.CampaignsService/CreateCampaign".
        before: The state that was replaced; None: there was none.
        after: The state now.
    """
    recorded = operations_pb2.AuditRecorded(
        actor=actor,
        action=action,
        resource_type="campaign",
        resource_id=str(after.campaign_id),
        before_hash="" if before is None else before.state_hash,
        after_hash=after.state_hash,
    )
    event = Event(
        event_id=str(uuid4()),
        type="audit.recorded",
        tenant_id=str(tenant_id),
        venue_id=str(after.venue_id),
        entity_id=str(after.campaign_id),
        producer="customers",
        audit_recorded=recorded,
    )
    event.occurred_at.FromDatetime(after.updated_at)
    return event
