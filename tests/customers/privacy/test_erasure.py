"""A person who is erased is found nowhere any more, does not come back, and no figure changes."""

from uuid import UUID, uuid4

from tickettoken.customers.v1 import privacy_pb2
from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.metrics.v1 import (
    ingest_service_pb2,
    ingest_service_pb2_grpc,
)

from tests.customers.privacy.asking import erase, erased, exporting, receipt
from tests.customers.privacy.figures import answers_of_metrics, figures
from tests.customers.privacy.person import NOW, World, naming
from tests.customers.privacy.searching import NOTHING, found
from tests.customers.privacy.settling import publish, settled_wholly
from tests.metrics.serving import bad_fields, refused
from tests.platform import events as make


async def test_an_erased_person_is_nowhere_and_no_figure_changes(platform, own_redis, bus, admins):
    world = World()
    await publish(bus, world.events())
    await settled_wholly(own_redis, admins)
    async with (
        platform.customers.client(world.tenant) as client,
        platform.metrics.client(world.tenant) as metrics,
    ):
        figures_before = await figures(admins, world.tenant)
        answers_before = await answers_of_metrics(metrics, world)
        before = await found(platform, own_redis, world.person.needles)

        done = await erased(client, world.person.customer_id)

        await settled_wholly(own_redis, admins)
        assert all(before[:3]), "the search finds what is there"
        assert await found(platform, own_redis, world.person.needles) == NOTHING
        assert await figures(admins, world.tenant) == figures_before
        assert await answers_of_metrics(metrics, world) == answers_before
        assert all((await found(platform, own_redis, [str(world.other.customer_id)]))[:3])
        parts = {part.service: dict(part.touched_counts) for part in done.services}
        assert {name: parts["customers"][name] for name in ("orders", "purchases", "admissions")} == {
            "orders": 3,
            "purchases": 3,
            "admissions": 1,
        }
        assert parts["customers"]["transfers"] == 2
        assert parts["customers"]["customers"] == 1
        assert parts["customers"]["user_behavior"] == 1
        assert parts["customers"]["touchpoints"] == 1
        assert parts["metrics"]["orders"] == 3
        assert parts["metrics"]["raw_analytics"] >= 13
        assert done.complete_time.ToDatetime() >= done.request_time.ToDatetime()


async def test_what_arrives_late_or_again_does_not_bring_a_person_back(platform, own_redis, bus, admins):
    world = World()
    log = world.events()
    await publish(bus, log)
    await settled_wholly(own_redis, admins)
    async with platform.customers.client(world.tenant) as client:
        done = await erased(client, world.person.customer_id)
        await settled_wholly(own_redis, admins)

        again = [Event.FromString(event.SerializeToString()) for event in log]
        for event in again:
            event.event_id = str(uuid4())
        late = [
            world.order(world.person, days=1, session="late"),
            naming(
                make.ticket_scanned(world.tenant, world.venue, show=world.show, at=NOW),
                customer_id=world.person.customer_id,
            ),
            *world.visit(world.person.customer_id),
            world.touchpoint(world.person.customer_id),
        ]
        await publish(bus, [*log, *again, *late])
        await settled_wholly(own_redis, admins)

        assert await found(platform, own_redis, world.person.needles) == NOTHING
        owners = await admins[0].fetch(
            "select customer_id, count(*) from purchases where tenant_id = $1 group by 1", world.tenant
        )
        assert dict(map(tuple, owners)) == {UUID(done.pseudonym): 4, world.other.customer_id: 1}
        assert await refused(exporting(client, world.person.customer_id)) == (
            "NOT_FOUND",
            "CUSTOMER_NOT_FOUND",
        )


async def test_a_replay_of_raw_events_holds_the_pseudonym_only(platform, own_redis, bus, admins):
    world = World()
    await publish(bus, world.events())
    await settled_wholly(own_redis, admins)
    async with (
        platform.customers.client(world.tenant) as client,
        platform.metrics.client(world.tenant) as metrics,
    ):
        done = await erased(client, world.person.customer_id)
        await settled_wholly(own_redis, admins)

        token = platform.metrics.service_token(world.tenant)
        stub = ingest_service_pb2_grpc.IngestServiceStub(metrics.channel)
        stream = stub.ReplayEvents(
            ingest_service_pb2.ReplayEventsRequest(), metadata=(("authorization", f"Bearer {token}"),)
        )
        replayed = [event async for batch in stream for event in batch.events]
        figures_before = await figures(admins, world.tenant)
        await publish(bus, [event for event in replayed if not event.type.startswith("customer.eras")])
        await settled_wholly(own_redis, admins)

        assert not any(needle in str(replayed).lower() for needle in world.person.needles)
        assert str(replayed).count(done.pseudonym) >= 10
        assert await figures(admins, world.tenant) == figures_before
        assert await found(platform, own_redis, world.person.needles) == NOTHING


async def test_erasing_again_answers_the_same_receipt(platform, own_redis, bus, admins):
    world = World()
    await publish(bus, world.events())
    await settled_wholly(own_redis, admins)
    async with platform.customers.client(world.tenant) as client:
        request = privacy_pb2.EraseCustomerRequest(customer_id=str(world.person.customer_id), reason="asked")
        with_key = client.with_key("once")
        begun = await client.privacy.EraseCustomer(request, metadata=with_key)
        first = await erased(client, world.person.customer_id)

        again = await erase(client, world.person.customer_id, reason="asked twice")

        assert again == first
        assert first.reason == "asked"
        assert begun.erasure.erasure_id == first.erasure_id
        assert await client.privacy.EraseCustomer(request, metadata=with_key) == begun


async def test_a_person_whom_only_behavior_names_can_be_erased(platform, own_redis, bus, admins):
    world, visitor = World(), uuid4()
    await publish(bus, world.visit(visitor))
    await settled_wholly(own_redis, admins)
    async with platform.customers.client(world.tenant) as client:
        done = await erased(client, visitor)

        assert {part.service: part.state for part in done.services} == {
            "customers": "confirmed",
            "metrics": "confirmed",
        }
        await settled_wholly(own_redis, admins)
        assert await found(platform, own_redis, [str(visitor), visitor.hex]) == NOTHING


async def test_refusals_name_their_reasons(platform, own_redis, bus, admins):
    world = World()
    await publish(bus, world.events())
    await settled_wholly(own_redis, admins)
    person = world.person.customer_id
    async with (
        platform.customers.client(world.tenant) as client,
        platform.customers.client(uuid4()) as stranger,
        platform.customers.client(world.tenant, venue_ids=[uuid4()]) as elsewhere,
        platform.customers.client(world.tenant, permissions=["analytics.read"]) as reader,
    ):
        unknown = ("NOT_FOUND", "CUSTOMER_NOT_FOUND")
        for caller in (stranger, elsewhere):
            assert await refused(erase(caller, person)) == unknown
            assert await refused(exporting(caller, person)) == unknown
        assert await refused(erase(client, uuid4())) == unknown
        assert (await refused(erase(reader, person)))[0] == "PERMISSION_DENIED"
        assert (await refused(exporting(reader, person)))[0] == "PERMISSION_DENIED"
        assert await bad_fields(erase(client, person, reason="")) == ["reason"]
        first, last = world.person.name.split()
        words = (world.person.email, str(person).upper(), world.person.name.lower(), first, last.upper())
        for word in (*words, world.person.phone, " ".join(world.person.phone[3:])):
            assert await bad_fields(erase(client, person, reason=f"asked by {word}.")) == ["reason"]
        assert await refused(receipt(client, str(uuid4()))) == ("NOT_FOUND", "ERASURE_NOT_FOUND")
        begun = await erase(client, person)
        assert await refused(receipt(stranger, begun.erasure_id)) == ("NOT_FOUND", "ERASURE_NOT_FOUND")
        assert (await refused(receipt(reader, begun.erasure_id)))[0] == "PERMISSION_DENIED"
