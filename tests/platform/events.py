"""Platform events with sensible defaults; every keyword of a payload can be given."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from tickettoken.common.v1.money_pb2 import Money
from tickettoken.events.v1 import behavior_pb2, orders_pb2, tickets_pb2, venues_pb2
from tickettoken.events.v1.envelope_pb2 import Event

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(tenant_id, venue_id, entity_id, *, at=NOON, version=0, event_id=None, **payload):
    """An event whose type is that of its only payload keyword."""
    ((field, message),) = payload.items()
    made = Event(
        event_id=str(event_id or uuid4()),
        type=_dotted(field),
        tenant_id=str(tenant_id),
        venue_id="" if venue_id is None else str(venue_id),
        entity_id=str(entity_id),
        version=version,
        producer="ticketing",
        **{field: message},
    )
    made.occurred_at.FromDatetime(at)
    return made


def venue_updated(tenant_id, venue_id, *, name="Hall", time_zone="Europe/Berlin", currency="EUR", **envelope):
    state = venues_pb2.VenueUpdated(name=name, time_zone=time_zone, currency=currency)
    return event(tenant_id, venue_id, venue_id, venue_updated=state, **envelope)


def event_created(tenant_id, venue_id, show_id, **show_and_envelope):
    show, envelope = _show(show_and_envelope)
    state = venues_pb2.EventCreated(event_id=str(show_id), show=show)
    return event(tenant_id, venue_id, show_id, event_created=state, **envelope)


def event_updated(tenant_id, venue_id, show_id, **show_and_envelope):
    show, envelope = _show(show_and_envelope)
    state = venues_pb2.EventUpdated(event_id=str(show_id), show=show)
    return event(tenant_id, venue_id, show_id, event_updated=state, **envelope)


def event_cancelled(tenant_id, venue_id, show_id, **envelope):
    state = venues_pb2.EventCancelled(event_id=str(show_id))
    return event(tenant_id, venue_id, show_id, event_cancelled=state, **envelope)


def ticket_type_updated(
    tenant_id,
    venue_id,
    show_id,
    ticket_type_id,
    *,
    capacity=100,
    held=0,
    name="Stalls",
    price=2_000,
    currency="EUR",
    **envelope,
):
    state = venues_pb2.TicketTypeUpdated(
        ticket_type_id=str(ticket_type_id),
        event_id=str(show_id),
        name=name,
        price=Money(amount_minor=price, currency=currency),
        capacity=capacity,
        held=held,
    )
    return event(tenant_id, venue_id, ticket_type_id, ticket_type_updated=state, **envelope)


def order_completed(
    tenant_id,
    venue_id,
    order_id=None,
    *,
    lines=((1, 1_000),),
    currency="EUR",
    gross=None,
    fees=None,
    channel="web",
    show=None,
    session_id="",
    customer=None,
    **envelope,
):
    """Lines are (quantity, unit price, ticket type, show), the last two optional."""
    order_id = order_id or uuid4()
    state = orders_pb2.OrderCompleted(
        order_id=str(order_id),
        event_id=_text(show),
        channel=channel,
        currency=currency,
        lines=[_order_line(*line) for line in lines],
        gross=_money(gross, currency),
        fees=_money(fees, currency),
        session_id=session_id,
        customer_id=_text(customer),
    )
    return event(tenant_id, venue_id, order_id, order_completed=state, **envelope)


def order_refunded(
    tenant_id, venue_id, order_id, *, amount, refund_id=None, currency="EUR", fees=None, lines=(), **envelope
):
    """Lines are (quantity, ticket type, show), the last two optional."""
    state = orders_pb2.OrderRefunded(
        order_id=str(order_id),
        refund_id=str(refund_id or uuid4()),
        amount=_money(amount, currency),
        fees=_money(fees, currency),
        lines=[_refund_line(*line) for line in lines],
    )
    return event(tenant_id, venue_id, order_id, order_refunded=state, **envelope)


def order_cancelled(tenant_id, venue_id, order_id, **envelope):
    state = orders_pb2.OrderCancelled(order_id=str(order_id))
    return event(tenant_id, venue_id, order_id, order_cancelled=state, **envelope)


def ticket_listed(
    tenant_id,
    venue_id,
    listing_id=None,
    *,
    show,
    ticket=None,
    ticket_type=None,
    price=5_000,
    face_value=None,
    currency="EUR",
    status="active",
    **envelope,
):
    listing_id = listing_id or uuid4()
    state = tickets_pb2.TicketListed(
        listing_id=str(listing_id),
        ticket_id=str(ticket or uuid4()),
        event_id=str(show),
        ticket_type_id=_text(ticket_type),
        price=_money(price, currency),
        face_value=_money(face_value, currency),
        status=status,
    )
    return event(tenant_id, venue_id, listing_id, ticket_listed=state, **envelope)


def ticket_resold(
    tenant_id,
    venue_id,
    ticket=None,
    *,
    show,
    listing=None,
    ticket_type=None,
    price=5_000,
    face_value=None,
    royalty=None,
    currency="EUR",
    **envelope,
):
    ticket = ticket or uuid4()
    state = tickets_pb2.TicketResold(
        ticket_id=str(ticket),
        listing_id=_text(listing),
        event_id=str(show),
        ticket_type_id=_text(ticket_type),
        price=_money(price, currency),
        face_value=_money(face_value, currency),
        royalty=_money(royalty, currency),
    )
    return event(tenant_id, venue_id, ticket, ticket_resold=state, **envelope)


def ticket_scanned(
    tenant_id,
    venue_id,
    ticket=None,
    *,
    show,
    result="admitted",
    gate="",
    ticket_type=None,
    order=None,
    **envelope,
):
    ticket = ticket or uuid4()
    state = tickets_pb2.TicketScanned(
        ticket_id=str(ticket),
        event_id=str(show),
        ticket_type_id=_text(ticket_type),
        order_id=_text(order),
        gate=gate,
        result=result,
    )
    return event(tenant_id, venue_id, ticket, ticket_scanned=state, **envelope)


def ticket_transferred(tenant_id, venue_id, ticket, *, show, **envelope):
    state = tickets_pb2.TicketTransferred(ticket_id=str(ticket), event_id=str(show))
    return event(tenant_id, venue_id, ticket, ticket_transferred=state, **envelope)


def page_viewed(tenant_id, venue_id, session_id, *, page="/", show=None, device_class="mobile", **envelope):
    state = behavior_pb2.PageViewed(
        session_id=session_id, page=page, event_id=_text(show), device_class=device_class
    )
    return event(tenant_id, venue_id, session_id, page_viewed=state, **envelope)


def cart_updated(tenant_id, venue_id, session_id, *, shows=(), **envelope):
    """One ticket of each show; a show may be None."""
    lines = [behavior_pb2.CartLine(event_id=_text(show), quantity=1) for show in shows]
    state = behavior_pb2.CartUpdated(session_id=session_id, lines=lines)
    return event(tenant_id, venue_id, session_id, cart_updated=state, **envelope)


def checkout_started(tenant_id, venue_id, session_id, *, show=None, **envelope):
    state = behavior_pb2.CheckoutStarted(session_id=session_id, event_id=_text(show))
    return event(tenant_id, venue_id, session_id, checkout_started=state, **envelope)


def _show(values):
    starts_at = values.pop("starts_at", NOON + timedelta(days=30))
    show = venues_pb2.Show(
        name=values.pop("name", "Premiere"), capacity=values.pop("capacity", 0), genre=values.pop("genre", "")
    )
    show.starts_at.FromDatetime(starts_at)
    for name in ("doors_at", "on_sale_at"):
        if (moment := values.pop(name, None)) is not None:
            getattr(show, name).FromDatetime(moment)
    return show, values


def _order_line(quantity, price, ticket_type=None, show=None):
    return orders_pb2.OrderLine(
        quantity=quantity, unit_price_minor=price, ticket_type_id=_text(ticket_type), event_id=_text(show)
    )


def _refund_line(quantity, ticket_type=None, show=None):
    return orders_pb2.RefundLine(quantity=quantity, ticket_type_id=_text(ticket_type), event_id=_text(show))


def _money(amount, currency):
    return None if amount is None else Money(amount_minor=amount, currency=currency)


def _text(id_: UUID | None):
    return "" if id_ is None else str(id_)


def _dotted(field):
    return "ticket_type.updated" if field == "ticket_type_updated" else field.replace("_", ".", 1)


def campaign_touchpoint(
    tenant_id,
    venue_id,
    touchpoint_id=None,
    *,
    channel="email",
    kind="click",
    campaign=None,
    customer=None,
    session_id="",
    cost=None,
    currency="EUR",
    **envelope,
):
    touchpoint_id = touchpoint_id or uuid4()
    state = behavior_pb2.CampaignTouchpoint(
        campaign_id=_text(campaign),
        channel=channel,
        kind=kind,
        session_id=session_id,
        customer_id=_text(customer),
        cost=_money(cost, currency),
    )
    return event(tenant_id, venue_id, touchpoint_id, campaign_touchpoint=state, **envelope)
