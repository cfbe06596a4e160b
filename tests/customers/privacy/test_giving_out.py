"""Everything that is held on a person is given out, and who they are to those who may know."""

from tests.customers.privacy.asking import exported
from tests.customers.privacy.person import World
from tests.customers.privacy.settling import publish, settled_wholly


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
