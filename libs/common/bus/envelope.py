"""Events as messages: binary protobuf or proto3 JSON by content type; type and payload must agree."""

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry import propagate
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.port import UnreadableEvent

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_PAYLOADS = frozenset(field.name for field in Event.DESCRIPTOR.oneofs_by_name["payload"].fields)


def payload_field(event_type: str) -> str:
    """The payload field of a dotted type: `order.completed` is carried by `order_completed`.

    Raises:
        UnreadableEvent: The platform has no such type.
    """
    field = event_type.replace(".", "_")
    if field not in _PAYLOADS or "." not in event_type:
        raise UnreadableEvent(f"unknown event type {event_type!r}", type=event_type)
    return field


def check_type(event: Event) -> None:
    """Refuse an event whose dotted type names another payload than the one it carries.

    Raises:
        UnreadableEvent: They disagree, or there is no payload.
    """
    expected = payload_field(event.type)
    carried = event.WhichOneof("payload")
    if carried != expected:
        raise UnreadableEvent(f"type {event.type!r} with payload {carried or 'none'}", type=event.type)


def encode(event: Event, content_type: str = PROTOBUF) -> bytes:
    """The message body of an event."""
    check_type(event)
    if content_type == PROTOBUF:
        return event.SerializeToString()
    if content_type == JSON:
        return json_format.MessageToJson(event, indent=None).encode()
    raise ValueError(f"events are {PROTOBUF} or {JSON}, not {content_type!r}")


def decode(body: bytes, content_type: str) -> Event:
    """The event in a message body. Unknown JSON fields are ignored, as unknown binary fields are.

    Raises:
        UnreadableEvent: The body is no event of the stated content type, or its type and payload disagree.
    """
    event = Event()
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        if media_type == PROTOBUF:
            event.ParseFromString(body)
        elif media_type == JSON:
            json_format.Parse(body.decode(), event, ignore_unknown_fields=True)
        else:
            raise UnreadableEvent(f"unknown content type {content_type!r}")
    except (DecodeError, json_format.ParseError, UnicodeDecodeError) as error:
        raise UnreadableEvent(f"not an event in {media_type}: {type(error).__name__}") from error
    check_type(event)
    return event


def stamp_trace(event: Event) -> None:
    """Write the current trace into an event that carries none, so that its consumers continue it."""
    if event.traceparent:
        return
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    event.traceparent = carrier.get("traceparent", "")
