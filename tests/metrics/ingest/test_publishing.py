"""Every event that is sent in gets its own verdict, and an accepted one is in the outbox exactly once."""

import asyncio
from uuid import UUID, uuid4

import pytest
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.envelope import PROTOBUF, decode
from libs.common.bus.port import DONE, Delivery
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from services.metrics.ingest.judgement import RESERVED_TYPES
from services.metrics.ingest.publisher import Publisher
from tests.customers.people.shoppers import registered
from tests.platform import events as make


class Woken:
    """Stands for the relay, which other tests run: remembers only that it was woken."""

    def __init__(self):
        self.times = 0

    def wake(self):
        self.times += 1


@pytest.fixture
def relay():
    return Woken()


@pytest.fixture
def publisher(database, venues, relay):
    return Publisher(database, venues, relay)


async def in_outbox(worker_database, tenant):
    async with worker_database.infrastructure() as conn:
        rows = await conn.fetch("select content from outbox where tenant_id = $1 order by id", tenant)
    return [decode(row["content"], PROTOBUF) for row in rows]


def an_order(venue, **envelope):
    """As a producer sends it: without a tenant."""
    event = make.order_completed(uuid4(), venue, **envelope)
    event.tenant_id = ""
    return event


async def test_an_accepted_event_gets_the_tokens_tenant(publisher, worker_database, relay):
    tenant, event = uuid4(), an_order(uuid4())

    verdicts = await publisher.publish(TenantScope(tenant), [event])

    assert (verdicts.duplicates, verdicts.refusals) == ([], {})
    (stored,) = await in_outbox(worker_database, tenant)
    assert (stored.event_id, stored.tenant_id) == (event.event_id, str(tenant))
    assert relay.times == 1


async def test_one_bad_event_never_loses_the_others(publisher, worker_database):
    tenant, venue = uuid4(), uuid4()
    mismatched, foreign_tenant, no_venue, bad_id = (an_order(venue) for _ in range(4))
    mismatched.type = "order.refunded"
    foreign_tenant.tenant_id = str(uuid4())
    no_venue.venue_id = ""
    bad_id.event_id = "7"
    mars = make.venue_updated(tenant, venue, time_zone="Mars/Base")
    good = [an_order(venue), an_order(venue)]

    sent = [good[0], mismatched, foreign_tenant, no_venue, bad_id, mars, Event(), good[1]]
    verdicts = await publisher.publish(TenantScope(tenant), sent)

    assert {index: refusal.reason for index, refusal in verdicts.refusals.items()} == {
        1: "INVALID_FIELD",
        2: "TENANT_MISMATCH",
        3: "INVALID_FIELD",
        4: "INVALID_FIELD",
        5: "INVALID_FIELD",
        6: "INVALID_FIELD",
    }
    assert "venueId" in verdicts.refusals[3].message
    assert "venueUpdated.timeZone" in verdicts.refusals[5].message
    stored = await in_outbox(worker_database, tenant)
    assert [event.event_id for event in stored] == [event.event_id for event in good]


async def test_an_event_that_was_published_before_is_a_duplicate(publisher, worker_database):
    tenant, venue = uuid4(), uuid4()
    first, second = an_order(venue), an_order(venue)
    again = Event()
    again.CopyFrom(first)

    together = await publisher.publish(TenantScope(tenant), [first, again, second])
    later = await publisher.publish(TenantScope(tenant), [second, again])

    assert together.duplicates == [1]
    assert sorted(later.duplicates) == [0, 1]
    assert len(await in_outbox(worker_database, tenant)) == 2


async def test_the_same_event_sent_by_many_at_once_is_accepted_once(database, relay, worker_database):
    tenant, event = uuid4(), an_order(uuid4())

    async def send():
        copy = Event()
        copy.CopyFrom(event)
        return await Publisher(database, Venues(database), relay).publish(TenantScope(tenant), [copy])

    verdicts = await asyncio.gather(*(send() for _ in range(8)))

    assert sum(not verdict.duplicates for verdict in verdicts) == 1
    assert len(await in_outbox(worker_database, tenant)) == 1


async def test_two_tenants_may_use_the_same_event_id(publisher, worker_database):
    one, other, event_id = uuid4(), uuid4(), uuid4()

    for tenant in (one, other):
        verdicts = await publisher.publish(TenantScope(tenant), [an_order(uuid4(), event_id=event_id)])
        assert not verdicts.duplicates
        assert len(await in_outbox(worker_database, tenant)) == 1


async def test_a_foreign_or_ungranted_venue_is_not_found(publisher, worker_database):
    owner, tenant, foreign, granted, other = (uuid4() for _ in range(5))
    await publisher.publish(TenantScope(owner), [an_order(foreign)])
    scope = TenantScope(tenant, frozenset({granted, foreign}))

    verdicts = await publisher.publish(scope, [an_order(foreign), an_order(granted), an_order(other)])

    assert {index: refusal.reason for index, refusal in verdicts.refusals.items()} == {
        0: "VENUE_NOT_FOUND",
        2: "VENUE_NOT_FOUND",
    }
    assert len(await in_outbox(worker_database, tenant)) == 1


@pytest.mark.parametrize("reserved", sorted(RESERVED_TYPES))
async def test_types_of_the_platforms_own_are_refused(publisher, reserved):
    event = an_order(uuid4())
    event.type = reserved

    verdicts = await publisher.publish(TenantScope(uuid4()), [event])

    assert verdicts.refusals[0].reason == "EVENT_TYPE_RESERVED"


async def test_nothing_is_remembered_of_a_call_that_failed(database, publisher, relay, worker_database):
    tenant, event = uuid4(), an_order(uuid4())
    scope = TenantScope(tenant)
    with pytest.raises(RuntimeError, match="power cut"):
        async with database.transaction(scope):
            await publisher.publish(scope, [event])
            raise RuntimeError("power cut")

    verdicts = await publisher.publish(scope, [event])

    assert verdicts.duplicates == []
    assert [UUID(one.event_id) for one in await in_outbox(worker_database, tenant)] == [UUID(event.event_id)]


@pytest.mark.parametrize("thing", ["order", "refund", "cancellation", "show", "ticket type", "line"])
async def test_a_venue_grant_does_not_reach_another_venues_sales_through_an_event_of_its_own(
    publisher, handler, worker_database, thing
):
    tenant, granted, other = uuid4(), uuid4(), uuid4()
    order, unsold, show, ticket_type = (uuid4() for _ in range(4))
    applied = [
        make.order_completed(tenant, other, order),
        make.order_refunded(tenant, other, unsold, amount=5),
        make.event_created(tenant, other, show),
        make.ticket_type_updated(tenant, other, show, ticket_type),
    ]
    assert set(await handler([Delivery(event, 1) for event in applied])) == {DONE}
    intruding = {
        "order": make.order_completed(tenant, granted, order, version=9),
        "refund": make.order_refunded(tenant, granted, unsold, amount=700),
        "cancellation": make.order_cancelled(tenant, granted, order),
        "show": make.event_updated(tenant, granted, show, name="Mine", version=9),
        "ticket type": make.ticket_type_updated(tenant, granted, uuid4(), ticket_type, version=9),
        "line": make.order_completed(tenant, granted, lines=[(1, 100, ticket_type)]),
    }[thing]
    own = make.order_completed(tenant, granted, show=uuid4())

    verdicts = await publisher.publish(TenantScope(tenant, frozenset({granted})), [intruding, own])
    unlimited = await publisher.publish(TenantScope(tenant), [intruding])

    assert {index: refusal.reason for index, refusal in verdicts.refusals.items()} == {0: "VENUE_NOT_FOUND"}
    assert unlimited.refusals == {}
    assert [event.event_id for event in await in_outbox(worker_database, tenant)] == [
        own.event_id,
        intruding.event_id,
    ]


@pytest.mark.parametrize(
    ("amounts", "field"),
    [
        ({"lines": [(100_000, 2**62)]}, "orderCompleted.lines"),
        ({"gross": 2**63 - 1}, "orderCompleted.gross"),
        ({"fees": 10**13 + 1}, "orderCompleted.fees"),
    ],
)
async def test_amounts_whose_sums_would_overflow_are_refused(publisher, amounts, field):
    tenant = uuid4()
    sent = [
        make.order_completed(tenant, uuid4(), **amounts),
        make.order_completed(tenant, uuid4(), gross=10**13),
    ]

    verdicts = await publisher.publish(TenantScope(tenant), sent)

    assert list(verdicts.refusals) == [0]
    assert verdicts.refusals[0].reason == "INVALID_FIELD"
    assert verdicts.refusals[0].message.startswith(field)


async def test_texts_that_no_database_keeps_are_refused_by_their_field(publisher):
    tenant, person = uuid4(), uuid4()
    sent = [
        registered(tenant, person, name="Ada\0 Byron", tags=["fine", "not\0fine"]),
        registered(tenant, person, name="Ada Byron", email="ada@example.org"),
    ]

    verdicts = await publisher.publish(TenantScope(tenant), sent)

    assert list(verdicts.refusals) == [0]
    assert verdicts.refusals[0].reason == "INVALID_FIELD"
    assert verdicts.refusals[0].message == (
        "customerRegistered.profile.name: must not contain the character U+0000; "
        "customerRegistered.profile.tags[1]: must not contain the character U+0000"
    )
