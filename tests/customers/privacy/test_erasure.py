"""A person who is erased is found nowhere any more, does not come back, and no figure changes."""

import asyncio
import time
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from tickettoken.customers.v1 import privacy_pb2
from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.metrics.v1 import (
    capacity_pb2,
    ingest_service_pb2,
    ingest_service_pb2_grpc,
    marketplace_pb2,
    revenue_pb2,
)

from libs.common.bus import open_bus
from services.customers.behavior import consumer as behavior
from services.customers.read_models import consumer as customers_read_models
from services.customers.touchpoints import consumer as touchpoints
from services.metrics.raw_events import consumer as raw_events
from services.metrics.read_models import consumer as metrics_read_models
from tests.customers.privacy.person import NOW, World, naming
from tests.customers.privacy.searching import found_in_mongo, found_in_postgres, found_in_redis
from tests.metrics.serving import bad_fields, refused
from tests.platform import events as make

# Money and counts, by what they are about; no column says whose they are.
FIGURES = {
    "purchases": """
        select venue_id, currency, count(distinct customer_id) as people, sum(order_count) as orders,
               sum(ticket_count) as tickets, sum(spend_minor) as spend, sum(fee_minor) as fees
          from purchases where tenant_id = $1 group by 1, 2 order by 1, 2""",
    "admissions": "select event_id, count(*), count(distinct customer_id) from admissions"
    " where tenant_id = $1 group by 1 order by 1",
    "transfers": "select event_id, count(*), count(from_customer_id), count(to_customer_id),"
    " count(distinct from_customer_id) from transfers where tenant_id = $1 group by 1 order by 1",
    "customer_venues": "select venue_id, count(*), min(first_seen_at), max(last_seen_at) from customer_venues"
    " where tenant_id = $1 group by 1 order by 1",
    "customers": "select count(*) from customers where tenant_id = $1",
    "orders": "select count(*), sum(gross_minor), count(distinct customer_id) from orders"
    " where tenant_id = $1",
}


async def eventually(probe, wanted, within=60):
    deadline = time.monotonic() + within
    while not wanted(seen := await probe()):
        assert time.monotonic() < deadline, seen
        await asyncio.sleep(0.1)
    return seen


@pytest.fixture
async def bus(platform):
    """The bus of both services, with the queues that their consumers may still be about to make."""
    bus = open_bus(platform.redis_url)
    for queue in (customers_read_models, behavior, touchpoints, metrics_read_models, raw_events):
        await bus.subscribe(queue.QUEUE, types=queue.TYPES)
    yield bus
    await bus.close()


@pytest.fixture
async def admins(platform):
    """Superusers' connections to the databases of customers and metrics."""
    connections = [await asyncpg.connect(database.admin_url) for database in platform.databases]
    yield connections
    for connection in connections:
        await connection.close()


async def publish(bus, events):
    await bus.publish([Event.FromString(event.SerializeToString()) for event in events])


async def settled(redis):
    """Return when every queue has been worked off."""

    async def backlog():
        streams = [key async for key in redis.scan_iter(match="bus:*") if await redis.type(key) == b"stream"]
        return sum([await redis.xlen(stream) for stream in streams])

    await eventually(backlog, lambda length: length == 0)


async def settled_wholly(redis, admins):
    """Return when no event waits in a queue or in an outbox."""

    async def waiting():
        return [await admin.fetchval("select count(*) from outbox") for admin in admins]

    await settled(redis)
    await eventually(waiting, lambda counts: counts == [0, 0])
    await settled(redis)


async def figures(admins, tenant):
    customers, metrics = admins
    of_customers = {name: await customers.fetch(query, tenant) for name, query in FIGURES.items()}
    return of_customers, await metrics.fetch(FIGURES["orders"], tenant)


async def answers_of_metrics(client, world):
    """Answers of metrics about the venue, as their messages."""
    window = {"venue_id": str(world.venue)}
    revenue = revenue_pb2.GetRevenueSummaryRequest(**window)
    market = marketplace_pb2.GetMarketplaceActivityRequest(**window)
    for request in (revenue, market):
        request.start_date.FromDatetime(NOW - timedelta(days=120))
        request.end_date.FromDatetime(NOW)
    seats = capacity_pb2.GetCapacityMetricsRequest(venue_id=str(world.venue))
    return (
        await client.analytics.GetRevenueSummary(revenue, metadata=client.metadata),
        await client.analytics.GetMarketplaceActivity(market, metadata=client.metadata),
        await client.metrics.GetCapacityMetrics(seats, metadata=client.metadata),
    )


async def erase(client, person, *, reason="customer_request"):
    request = privacy_pb2.EraseCustomerRequest(customer_id=str(person), reason=reason)
    return (await client.privacy.EraseCustomer(request, metadata=client.metadata)).erasure


async def receipt(client, erasure_id):
    request = privacy_pb2.GetErasureRequest(erasure_id=erasure_id)
    return (await client.privacy.GetErasure(request, metadata=client.metadata)).erasure


async def erased(client, person):
    """The receipt once all services have confirmed."""
    begun = await erase(client, person)
    return await eventually(lambda: receipt(client, begun.erasure_id), lambda one: one.state == "complete")


async def exported(client, person):
    records, token = [], ""
    while True:
        request = privacy_pb2.ExportCustomerDataRequest(
            customer_id=str(person), page_size=7, page_token=token
        )
        page = await client.privacy.ExportCustomerData(request, metadata=client.metadata)
        records += page.records
        token = page.next_page_token
        if not token:
            return records, page


async def found(platform, redis, needles):
    in_tables = [await found_in_postgres(database.admin_url, needles) for database in platform.databases]
    return [
        *in_tables,
        await found_in_mongo(platform.mongo_url, needles),
        await found_in_redis(redis, needles),
    ]


NOTHING = [set(), set(), set(), set()]


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


async def test_everything_that_is_held_on_a_person_is_given_out(platform, own_redis, bus, admins):
    world = World()
    log = world.events()
    await publish(bus, log)
    await settled_wholly(own_redis, admins)
    async with platform.customers.client(world.tenant) as client:
        records, page = await exported(client, world.person.customer_id)

    held = {}
    for record in records:
        held.setdefault((record.service, record.section), []).append(dict(record.data))
    mine = {event.event_id for event in log if str(world.person.customer_id) in str(event)}
    assert {event["eventId"] for event in held["metrics", "raw_analytics"]} == mine
    assert held["customers", "customers"][0]["email"] == world.person.email
    counts = {section: len(rows) for (service, section), rows in held.items() if service == "customers"}
    expected = {
        "customers": 1,
        "customer_venues": 1,
        "orders": 3,
        "refunds": 1,
        "purchases": 3,
        "admissions": 1,
        "transfers": 2,
        "touchpoints": 1,
        "user_behavior": 1,
    }
    assert {section: counts[section] for section in expected} == expected
    assert list(page.services) == ["customers", "metrics"]
    assert not page.is_masked
    assert str(world.other.customer_id) not in str(records)


async def test_without_the_permission_an_export_does_not_tell_who_it_is(platform, own_redis, bus, admins):
    world = World()
    await publish(bus, world.events())
    await settled_wholly(own_redis, admins)
    async with platform.customers.client(world.tenant, permissions=["analytics.privacy"]) as client:
        records, page = await exported(client, world.person.customer_id)

    told = str(records).lower()
    assert page.is_masked
    assert {record.section for record in records} >= {
        "customers",
        "purchases",
        "touchpoints",
        "raw_analytics",
    }
    assert not any(word in told for word in (world.person.email, world.person.phone, "vandersteen", "bergen"))


def exporting(client, person):
    request = privacy_pb2.ExportCustomerDataRequest(customer_id=str(person))
    return client.privacy.ExportCustomerData(request, metadata=client.metadata)


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
