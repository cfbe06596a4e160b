"""Whoever is handed what is held on people is in the audit, under a pseudonym, and so is the person."""

from uuid import uuid4

from tickettoken.customers.v1 import datasets_pb2

from tests.customers.auditing import audit_events
from tests.customers.privacy.asking import exported, exporting
from tests.customers.privacy.person import World
from tests.customers.privacy.settling import eventually, publish, settled_wholly
from tests.metrics.serving import refused


async def told(found, count):
    """What the audit was told, in order, once it is so much."""

    async def so_far():
        return list(found.values())

    events = await eventually(so_far, lambda events: len(events) >= count)
    assert len(events) == count
    return sorted(events, key=lambda event: event.occurred_at.ToMicroseconds())


def extract(client):
    request = datasets_pb2.AnonymizeDatasetRequest(
        k=5, quasi_identifiers=["country"], sensitive_column="marketing_consent"
    )
    return client.privacy.AnonymizeDataset(request, metadata=client.metadata)


async def test_the_audit_is_told_once_of_every_export_of_a_person_and_of_every_extract(
    platform, own_redis, bus, admins
):
    world = World()
    person, other = world.person.customer_id, world.other.customer_id
    await publish(bus, world.events())
    await settled_wholly(own_redis, admins)
    async with (
        audit_events(platform.redis_url, world.tenant) as found,
        platform.customers.client(world.tenant) as client,
    ):
        records, _ = await exported(client, person)
        assert len(records) > 7, "more than a page"
        assert await refused(exporting(client, uuid4())) == ("NOT_FOUND", "CUSTOMER_NOT_FOUND")
        await exported(client, person)
        await exported(client, other)
        await extract(client)
        events = await told(found, 4)

    stated = [event.audit_recorded for event in events]
    methods = ("ExportCustomerData", "ExportCustomerData", "ExportCustomerData", "AnonymizeDataset")
    assert [one.action for one in stated] == [f"customers.v1.PrivacyService/{name}" for name in methods]
    assert [one.resource_type for one in stated] == ["customer"] * 3 + ["dataset"]
    again, once_more, another, whole = (one.resource_id for one in stated)
    assert again == once_more != another
    assert whole == ""
    assert len({one.actor for one in stated}) == 1
    assert not any(str(one) in str(events) for one in (person, other))
