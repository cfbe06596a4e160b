"""Whether a caller may publish an event."""

from typing import Final, NamedTuple
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.fitness import problems_of
from libs.common.context import TenantScope

RESERVED_TYPES: Final = frozenset(
    {
        "price.changed",
        "alert.fired",
        "alert.resolved",
        "export.completed",
        "audit.recorded",
        "customer.erased",
        "customer.erasure_confirmed",
    }
)
"""Types that only the platform's own services make: pricing, alerts, reporting, customers."""


class Refusal(NamedTuple):
    """Why one event is not published."""

    reason: str
    message: str


VENUE_REFUSED: Final = Refusal("VENUE_NOT_FOUND", "no such venue")


def refusal_of(event: Event, scope: TenantScope) -> Refusal | None:
    """Why the event alone, without a look at any store, is refused; None when it is not."""
    if event.type in RESERVED_TYPES:
        return Refusal("EVENT_TYPE_RESERVED", f"{event.type} is made by the platform itself")
    problems = problems_of(event)
    if problems:
        text = "; ".join(f"{problem.field or 'event'}: {problem.description}" for problem in problems[:3])
        return Refusal("INVALID_FIELD", text)
    if event.tenant_id and UUID(event.tenant_id) != scope.tenant_id:
        return Refusal("TENANT_MISMATCH", "tenantId is not the token's tenant")
    if event.venue_id and not scope.allows(UUID(event.venue_id)):
        return VENUE_REFUSED
    return None
