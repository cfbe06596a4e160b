"""People who register, buy, come and look around, for tests that ask about them."""

from datetime import UTC, datetime

from google.protobuf.descriptor import FieldDescriptor
from tickettoken.events.v1 import customers_pb2

from libs.common.bus.port import DONE, Delivery
from tests.platform import events as make


def profile(**known):
    registered_at = known.pop("registered_at", None)
    made = customers_pb2.CustomerProfile(**known)
    if registered_at is not None:
        made.registered_at.FromDatetime(registered_at)
    return made


def registered(tenant, person, *, at=make.NOON, version=0, event_id=None, **known):
    state = customers_pb2.CustomerRegistered(customer_id=str(person), profile=profile(**known))
    return make.event(
        tenant, None, person, at=at, version=version, event_id=event_id, customer_registered=state
    )


def updated(tenant, person, *, at=make.NOON, version=1, event_id=None, **known):
    state = customers_pb2.CustomerUpdated(customer_id=str(person), profile=profile(**known))
    return make.event(tenant, None, person, at=at, version=version, event_id=event_id, customer_updated=state)


def by(event, person, field="customer_id"):
    """The event with a person in its payload."""
    setattr(getattr(event, event.WhichOneof("payload")), field, str(person))
    return event


def bought(tenant, venue, person, order=None, **order_and_envelope):
    return by(make.order_completed(tenant, venue, order, **order_and_envelope), person)


async def record(handler, events):
    settlements = await handler([Delivery(event, 1) for event in events])
    assert all(settlement == DONE for settlement in settlements), settlements


def texts_of(message):
    """Every text of a message, in all fields, recursively."""
    for field, value in message.ListFields():
        values = value if field.is_repeated else [value]
        for one in values:
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                yield from texts_of(one)
            elif field.type == FieldDescriptor.TYPE_STRING:
                yield one


def moment(stamp):
    return stamp.ToDatetime(tzinfo=UTC)


NOW = datetime.now(UTC).replace(microsecond=0)
