"""Touchpoints are kept once, the same whatever came first, and read newest first."""

import asyncio
from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

import pytest

from libs.common.bus.consumer import service_caller
from libs.common.bus.port import DONE, Delivery, Verdict
from libs.common.context import TenantScope, acting_as
from libs.common.errors import DependencyUnavailable
from services.customers.namespaces import venue_namespace
from services.customers.touchpoints.reader import Before, TouchpointReader
from services.customers.touchpoints.store import TouchpointStore
from tests.customers.marketing import NOON
from tests.customers.touchpoints.kept import kept
from tests.platform import events as make


async def test_a_touchpoint_is_kept_as_its_event_tells(marketing, collection):
    customer, campaign = uuid4(), uuid4()
    event = marketing.met("email", kind="open", campaign=campaign, customer=customer, cost=12, session_id="s")
    event.campaign_touchpoint.value = 2.5
    event.campaign_touchpoint.metadata.update({"tenant_id": "theirs", "$set": {"a.b": 1}})

    assert await marketing.told(event) == [DONE]

    (document,) = await kept(collection, marketing.tenant_id)
    assert document["id"] == event.entity_id
    assert (document["venue_id"], document["campaign_id"]) == (str(marketing.venue_id), str(campaign))
    assert (document["channel"], document["kind"], document["session_id"]) == ("email", "open", "s")
    assert (document["customer_id"], document["value"]) == (str(customer), 2.5)
    assert document["cost"] == {"amount_minor": 12, "currency": "EUR"}
    assert document["at_us"] == round(NOON.timestamp() * 1_000_000)
    assert '"theirs"' in document["metadata"]


async def test_a_statement_takes_back_the_metadata_of_the_one_before(marketing, collection):
    old, new = marketing.met("email"), marketing.met("email")
    old.campaign_touchpoint.metadata.update({"note": "said too much"})
    new.entity_id, old.version, new.version = old.entity_id, 1, 2

    await marketing.told(old)
    await marketing.told(new)

    (document,) = await kept(collection, marketing.tenant_id)
    assert document["metadata"] is None


async def test_a_touchpoint_that_moves_to_another_venue_ends_the_answers_about_both(marketing, cache):
    old, new = marketing.met("email"), marketing.met("email", touchpoint_id=None)
    new.entity_id, old.version, new.version = old.entity_id, 1, 2
    new.venue_id = str(uuid4())
    answers = {venue: iter([b"before", b"after"]) for venue in (old.venue_id, new.venue_id)}

    async def answer(venue):
        async def compute():
            return next(answers[venue])

        with acting_as(service_caller("customers", marketing.tenant_id)):
            return await cache.get_or_compute(
                venue_namespace(UUID(venue)), "told", timedelta(hours=1), compute
            )

    await marketing.told(old)
    assert [await answer(venue) for venue in answers] == [b"before"] * 2
    await marketing.told(new)

    assert [await answer(venue) for venue in answers] == [b"after"] * 2


async def test_late_shuffled_and_repeated_arrival_ends_in_the_same_documents(marketing, collection):
    draw = Random(6)
    events = []
    for number in range(60):
        touchpoint = uuid4()
        for version in range(draw.randint(1, 3)):
            fields = {"version": version, "customer": uuid4(), "days": number}
            events.append(marketing.met(draw.choice(["email", "social"]), touchpoint_id=touchpoint, **fields))
    last = {event.entity_id: event for event in sorted(events, key=lambda event: event.version)}

    for round_ in range(3):
        arriving = draw.sample(events, len(events)) if round_ else events[::-1]
        for start in range(0, len(arriving), 17):
            assert set(await marketing.told(*arriving[start : start + 17])) == {DONE}

    documents = await kept(collection, marketing.tenant_id)
    assert {document["id"]: document["customer_id"] for document in documents} == {
        touchpoint: event.campaign_touchpoint.customer_id for touchpoint, event in last.items()
    }


async def test_two_tenants_touchpoints_with_one_id_are_both_kept(marketing, collection):
    touchpoint, tenants = uuid4(), [uuid4(), uuid4()]

    await marketing.told(
        *(make.campaign_touchpoint(tenant, marketing.venue_id, touchpoint) for tenant in tenants)
    )

    assert [len(await kept(collection, tenant)) for tenant in tenants] == [1, 1]


async def test_unfit_touchpoints_are_dead_and_the_others_are_kept(marketing, collection):
    good, nowhere, never, large = (marketing.met("email") for _ in range(4))
    nowhere.venue_id = ""
    never.occurred_at.seconds = 10**15
    large.campaign_touchpoint.metadata.update({"text": "x" * 20_000})
    unknown, costly = marketing.met("Email!"), marketing.met("email", cost=10**15)

    settled = await marketing.told(nowhere, never, large, unknown, costly, good)

    assert [each.verdict for each in settled] == [Verdict.DEAD] * 5 + [Verdict.DONE]
    assert [document["id"] for document in await kept(collection, marketing.tenant_id)] == [good.entity_id]


async def test_while_mongodb_is_away_touchpoints_wait_and_are_kept_afterwards(
    marketing, mongo_server, collection
):
    event = marketing.met("email")
    await asyncio.to_thread(mongo_server.stop)
    try:
        with pytest.raises(DependencyUnavailable):
            await marketing.touchpoints([Delivery(event, 1)])
    finally:
        await asyncio.to_thread(mongo_server.start)

    assert await marketing.told(event) == [DONE]
    assert len(await kept(collection, marketing.tenant_id)) == 1


async def test_an_erased_person_comes_back_under_their_pseudonym_only(
    database, tombstones, marketing, collection
):
    tenant, person = marketing.tenant_id, uuid4()
    event = marketing.met("email", customer=person)
    pseudonym = tombstones.pseudonym(tenant, person)
    async with database.transaction(TenantScope(tenant)) as conn:
        await tombstones.bury(conn, tenant, person, pseudonym)

    await marketing.told(event)

    (document,) = await kept(collection, tenant)
    assert document["customer_id"] == str(pseudonym)


async def test_indexes_serve_venues_people_sessions_and_campaigns(mongo, collection):
    store = TouchpointStore(mongo)
    await store.ensure()
    await store.ensure()

    found = {
        name: [field for field, _ in index["key"]]
        for name, index in (await collection.index_information()).items()
    }

    assert found["touchpoint"] == ["tenant_id", "id"]
    assert found["venue"] == ["tenant_id", "venue_id", "at_us"]
    assert found["customer"] == ["tenant_id", "customer_id", "at_us", "id"]
    assert found["session"] == ["tenant_id", "session_id"]
    assert found["campaign"] == ["tenant_id", "campaign_id", "at_us"]


async def test_a_persons_touchpoints_come_newest_first_page_by_page_and_as_granted(marketing, mongo):
    person, elsewhere, tenant = uuid4(), uuid4(), marketing.tenant_id
    events = [marketing.met("email", days=day // 2, customer=person) for day in range(6)]
    other = make.campaign_touchpoint(tenant, elsewhere, customer=person, at=NOON + timedelta(days=9))
    anonymous = marketing.met("social", days=7, session_id="mine")
    await marketing.told(*events, other, anonymous, marketing.met("email", customer=uuid4()))
    reader = TouchpointReader(TouchpointStore(mongo))
    scope = TenantScope(tenant)

    with acting_as(service_caller("customers", tenant)):
        found, before = [], None
        while page := await reader.of_person(scope, marketing.venue_id, person, before, 4):
            found += page
            before = Before(page[-1].at, page[-1].touchpoint_id)
        everywhere = await reader.of_person(scope, None, person, None, 1)
        granted = await reader.of_person(
            TenantScope(tenant, frozenset({marketing.venue_id})), None, person, None, 9
        )
        with_session = await reader.of_person(scope, None, person, None, 9, sessions=["mine"])
        recent = await reader.of_person(scope, None, person, None, 9, since=NOON + timedelta(days=2))

    newest_first = sorted(events, key=lambda event: (event.occurred_at.seconds, event.entity_id))[::-1]
    assert [each.touchpoint_id for each in found] == [event.entity_id for event in newest_first]
    assert everywhere[0].venue_id == elsewhere
    assert len(granted) == 6
    assert anonymous.entity_id in {each.touchpoint_id for each in with_session}
    assert len(recent) == 3
