"""Small valid events."""

from datetime import UTC, datetime
from uuid import uuid4

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.port import Delivery

TENANT = "11111111-1111-4111-8111-111111111111"


def order_completed(**fields):
    event = _event("order.completed", **fields)
    order = event.order_completed
    order.order_id = event.entity_id
    order.channel = "web"
    order.currency = "EUR"
    order.lines.add(quantity=2, unit_price_minor=2500)
    return event


def order_cancelled(**fields):
    event = _event("order.cancelled", **fields)
    event.order_cancelled.order_id = event.entity_id
    return event


def alert_resolved(**fields):
    event = _event("alert.resolved", **fields)
    event.alert_resolved.SetInParent()
    return event


def delivery(event, attempt=1):
    return Delivery(event, attempt)


def _event(event_type, tenant_id=TENANT, **fields):
    event = Event(
        event_id=str(uuid4()),
        type=event_type,
        tenant_id=tenant_id,
        entity_id=str(uuid4()),
        producer="tests",
        **fields,
    )
    event.occurred_at.FromDatetime(datetime.now(UTC))
    return event
