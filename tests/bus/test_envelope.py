"""Events as bytes and back, and the agreement of type and payload."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.envelope import JSON, PROTOBUF, check_type, decode, encode, payload_field, stamp_trace
from libs.common.bus.port import UnreadableEvent
from tests.bus.events import order_cancelled, order_completed

TYPES = """
venue.updated event.created event.updated event.cancelled ticket_type.updated order.completed order.refunded
order.cancelled ticket.scanned ticket.transferred ticket.listed ticket.resold customer.registered
customer.updated customer.erased customer.erasure_confirmed page.viewed cart.updated checkout.started
campaign.touchpoint price.changed alert.fired alert.resolved export.completed audit.recorded
"""


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_an_event_survives_the_journey(content_type):
    event = order_completed(version=2**60, venue_id="33333333-3333-4333-8333-333333333333")

    assert decode(encode(event, content_type), content_type) == event


def test_every_documented_type_has_a_payload_and_every_payload_a_type():
    fields = {field.name for field in Event.DESCRIPTOR.oneofs_by_name["payload"].fields}

    assert {payload_field(event_type) for event_type in TYPES.split()} == fields


@pytest.mark.parametrize("event_type", ["", "order", "order_completed", "order.deleted", "tenant.id"])
def test_unknown_types_are_refused(event_type):
    event = order_completed()
    event.type = event_type

    with pytest.raises(UnreadableEvent):
        encode(event)


def test_a_type_with_another_payload_or_none_is_refused():
    event = order_cancelled()
    event.type = "order.completed"
    with pytest.raises(UnreadableEvent, match="order_cancelled"):
        check_type(event)

    event.ClearField("order_cancelled")
    with pytest.raises(UnreadableEvent, match="none"):
        check_type(event)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\xff\xff", PROTOBUF),
        (b"{", JSON),
        (b"\xff{}", JSON),
        (b"[]", JSON),
        (b"", PROTOBUF),
        (b"{}", JSON),
        (b"", ""),
        (b"", "application/avro"),
    ],
)
def test_what_is_no_event_is_refused(body, content_type):
    with pytest.raises(UnreadableEvent):
        decode(body, content_type)


def test_fields_of_a_newer_producer_are_ignored_in_json():
    event = order_completed()
    body = encode(event, JSON).replace(b'{"eventId"', b'{"addedLater": {"x": 1}, "eventId"')

    assert decode(body, JSON) == event


def test_the_trace_of_the_producer_travels_with_its_event():
    tracer = TracerProvider().get_tracer("tests")
    event, traced = order_completed(), order_completed(traceparent=f"00-{'a' * 32}-{'b' * 16}-01")

    with tracer.start_as_current_span("sale") as span:
        stamp_trace(event)
        stamp_trace(traced)

    assert f"{span.get_span_context().trace_id:032x}" in event.traceparent
    assert traced.traceparent == f"00-{'a' * 32}-{'b' * 16}-01"
