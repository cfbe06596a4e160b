"""Whom events name is read from the contract, and pseudonyms take every place of a person."""

from uuid import UUID, uuid4

import pytest
from google.protobuf.descriptor import FieldDescriptor
from tickettoken.events.v1 import customers_pb2, operations_pb2
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.erasure.persons import PERSON_FIELDS, persons_of, renamed
from libs.common.erasure.tombstones import Tombstones
from tests.platform import events as make

TENANT = UUID(int=7)
PLACES = [(kind, field) for kind, fields in PERSON_FIELDS.items() for field in fields]


def naming(kind, **people):
    event = Event(event_id=str(uuid4()), tenant_id=str(TENANT), entity_id="e-1")
    payload = getattr(event, kind)
    payload.SetInParent()
    for field, person in people.items():
        setattr(payload, field, str(person))
    return event


def test_every_payload_that_names_a_customer_is_known():
    assert set(PLACES) == {
        ("order_completed", "customer_id"),
        ("ticket_scanned", "customer_id"),
        ("ticket_transferred", "from_customer_id"),
        ("ticket_transferred", "to_customer_id"),
        ("ticket_listed", "seller_customer_id"),
        ("ticket_resold", "seller_customer_id"),
        ("ticket_resold", "buyer_customer_id"),
        ("customer_registered", "customer_id"),
        ("customer_updated", "customer_id"),
        ("customer_erased", "customer_id"),
        ("page_viewed", "customer_id"),
        ("cart_updated", "customer_id"),
        ("checkout_started", "customer_id"),
        ("campaign_touchpoint", "customer_id"),
    }


def test_no_id_of_a_customer_hides_below_a_payload():
    """Fields are looked for in the payload itself, so none may lie deeper."""

    def deeper(message, seen=()):
        for field in message.fields:
            inner = field.message_type
            if inner is None or inner.full_name in seen:
                continue
            yield from (one.name for one in inner.fields if one.name.endswith("customer_id"))
            yield from deeper(inner, (*seen, inner.full_name))

    payloads = Event.DESCRIPTOR.oneofs_by_name["payload"].fields

    assert [name for payload in payloads for name in deeper(payload.message_type)] == []
    assert all(
        payload.message_type.fields_by_name[field].type == FieldDescriptor.TYPE_STRING
        for payload in payloads
        for field in PERSON_FIELDS[payload.name]
    )


@pytest.mark.parametrize(("kind", "field"), PLACES)
def test_a_pseudonym_takes_the_place_of_an_erased_person(kind, field):
    person, pseudonym = uuid4(), uuid4()
    event = naming(kind, **{field: str(person).upper()})

    hidden = renamed(event, {person: pseudonym})

    if kind in {"customer_registered", "customer_updated"}:
        assert hidden is None
        return
    assert list(persons_of(hidden)) == [pseudonym]
    assert str(person) not in str(hidden).lower()
    assert list(persons_of(event)) == [person]


def test_others_of_the_same_event_keep_their_ids():
    giver, taker, pseudonym = uuid4(), uuid4(), uuid4()
    event = naming("ticket_transferred", from_customer_id=giver, to_customer_id=taker)

    hidden = renamed(event, {taker: pseudonym})

    assert hidden.ticket_transferred.from_customer_id == str(giver)
    assert hidden.ticket_transferred.to_customer_id == str(pseudonym)


def test_an_event_about_nobody_erased_stays_the_very_same():
    event = make.order_completed(TENANT, uuid4())

    assert renamed(event, {uuid4(): uuid4()}) is event


def test_the_thing_an_event_is_about_is_hidden_too():
    person, pseudonym = uuid4(), uuid4()
    erased = customers_pb2.CustomerErased(customer_id=str(person), erasure_id=str(uuid4()))
    audited = operations_pb2.AuditRecorded(resource_type="customer", resource_id=str(person))
    events = [Event(entity_id=str(person), customer_erased=erased), Event(audit_recorded=audited)]

    hidden = [renamed(event, {person: pseudonym}) for event in events]

    assert hidden[0].entity_id == hidden[0].customer_erased.customer_id == str(pseudonym)
    assert hidden[1].audit_recorded.resource_id == str(pseudonym)


def test_an_audited_thing_that_is_no_customer_is_no_person():
    audited = operations_pb2.AuditRecorded(resource_type="dashboard", resource_id=str(uuid4()))

    assert list(persons_of(Event(audit_recorded=audited))) == []


def test_a_pseudonym_is_stable_and_depends_on_key_tenant_and_person():
    person, tenant = uuid4(), uuid4()
    pseudonym = Tombstones(b"a" * 32).pseudonym(tenant, person)

    assert Tombstones(b"a" * 32).pseudonym(tenant, person) == pseudonym
    others = {
        Tombstones(b"b" * 32).pseudonym(tenant, person),
        Tombstones(b"a" * 32).pseudonym(uuid4(), person),
        Tombstones(b"a" * 32).pseudonym(tenant, uuid4()),
        person,
        tenant,
    }
    assert pseudonym not in others
    assert len(others) == 5


def test_free_texts_of_an_erased_person_are_taken_out_with_them():
    person, pseudonym = uuid4(), uuid4()
    view = naming("page_viewed", customer_id=person)
    view.page_viewed.page = f"/people/{str(person).upper()}/tickets"
    touchpoint = naming("campaign_touchpoint", customer_id=person)
    touchpoint.campaign_touchpoint.metadata.update({"greeting": "Dear Ada"})

    hidden = [renamed(event, {person: pseudonym}) for event in (view, touchpoint)]

    assert hidden[0].page_viewed.page == f"/people/{pseudonym}/tickets"
    assert not hidden[1].campaign_touchpoint.HasField("metadata")
