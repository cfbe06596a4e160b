"""Sessions in MongoDB: the same whatever arrives first, none lost, and each tenant's own."""

import asyncio
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest

from libs.common.bus.consumer import service_caller
from libs.common.bus.port import DONE, Delivery, Verdict
from libs.common.context import acting_as
from libs.common.erasure.tombstones import Hiding, Tombstones
from libs.common.errors import DependencyUnavailable
from libs.common.mongo import Mongo
from services.customers.behavior.consumer import Behavior
from services.customers.behavior.documents import MOST_STEPS
from services.customers.behavior.reader import Before, BehaviorReader
from services.customers.behavior.store import COLLECTION, BehaviorStore
from tests.customers.people.shoppers import by
from tests.platform import events as make

KEPT = timedelta(days=400)


@pytest.fixture
def tombstones():
    return Tombstones(b"t" * 32)


@pytest.fixture
def behavior(mongo, database, tombstones):
    return Behavior(BehaviorStore(mongo, kept=KEPT), Hiding(database, tombstones))


@pytest.fixture
def reader(mongo):
    return BehaviorReader(BehaviorStore(mongo, kept=KEPT))


def at(minute):
    return make.NOON + timedelta(minutes=minute)


def page(tenant, venue, session, person, minute, **more):
    return by(make.page_viewed(tenant, venue, session, at=at(minute), **more), person)


async def consumed(behavior, events):
    settlements = await behavior.handler()([Delivery(event, 1) for event in events])
    assert all(settlement == DONE for settlement in settlements), settlements


async def sessions(reader, tenant, person, *, venues=None, **more):
    with acting_as(service_caller("customers", tenant)):
        return await reader.sessions(person, venue_ids=venues, **{"limit": 100} | more)


async def test_a_session_tells_its_steps_in_order(behavior, reader):
    tenant, venue, person, show = (uuid4() for _ in range(4))
    await consumed(
        behavior,
        [
            by(make.checkout_started(tenant, venue, "s", show=show, at=at(9)), person),
            page(tenant, venue, "s", person, 0, page="/", device_class="desktop"),
            by(make.cart_updated(tenant, venue, "s", shows=[show, show], at=at(5)), person),
            page(tenant, venue, "s", person, 2, page="/show", show=show, device_class="mobile"),
        ],
    )

    (session,) = await sessions(reader, tenant, person)

    assert (session.session_id, session.venue_id) == ("s", venue)
    assert (session.started_at, session.last_at) == (at(0), at(9))
    assert session.device_class == "mobile"
    assert [(step.at, step.kind, step.page, step.event_ids) for step in session.steps] == [
        (at(0), "page", "/", ()),
        (at(2), "page", "/show", (show,)),
        (at(5), "cart", "", (show,)),
        (at(9), "checkout", "", (show,)),
    ]
    assert session.steps[2].ticket_count == 2
    assert not session.has_more_steps


async def test_any_order_any_batches_and_repetitions_give_the_same_sessions(behavior, reader):
    venue, person = uuid4(), uuid4()
    seen = []
    for seed in range(4):
        random, tenant = Random(seed), uuid4()
        events = [
            page(tenant, venue, f"s{minute % 3}", person, minute, page=f"/{minute}") for minute in range(40)
        ]
        shuffled = [*events, *random.sample(events, 15)]
        random.shuffle(shuffled)
        while shuffled:
            size = random.randint(1, 12)
            await consumed(behavior, shuffled[:size])
            del shuffled[:size]
        seen.append(await sessions(reader, tenant, person))

    assert all(one == seen[0] for one in seen)
    assert [session.session_id for session in seen[0]] == ["s2", "s1", "s0"]
    assert sum(len(session.steps) for session in seen[0]) == 40


async def test_two_consumers_at_once_lose_nothing(mongo, database, tombstones, reader):
    tenant, venue, person = uuid4(), uuid4(), uuid4()
    events = [page(tenant, venue, f"s{n % 4}", person, n) for n in range(120)]
    replicas = [Behavior(BehaviorStore(mongo, kept=KEPT), Hiding(database, tombstones)) for _ in range(3)]

    await asyncio.gather(
        *(consumed(replica, events[start::6]) for start, replica in enumerate([*replicas, *replicas]))
    )

    assert sum(len(session.steps) for session in await sessions(reader, tenant, person)) == 120


async def test_a_long_session_keeps_its_latest_steps_and_says_so(behavior, reader):
    tenant, venue, person = uuid4(), uuid4(), uuid4()
    events = [page(tenant, venue, "s", person, minute) for minute in range(MOST_STEPS + 50)]
    Random(1).shuffle(events)
    for start in range(0, len(events), 60):
        await consumed(behavior, events[start : start + 60])

    (session,) = await sessions(reader, tenant, person)

    assert session.has_more_steps
    assert (session.started_at, session.steps[0].at) == (at(0), at(50))
    assert len(session.steps) == MOST_STEPS


async def test_sessions_are_read_by_person_venue_and_place(behavior, reader):
    tenant, person = uuid4(), uuid4()
    club, opera = sorted([uuid4(), uuid4()])
    events = [
        page(tenant, club, "s1", person, 0),
        page(tenant, opera, "s2", person, 0),
        page(tenant, club, "s3", person, 5),
        page(tenant, club, "s4", uuid4(), 5),
    ]
    await consumed(behavior, events)

    first, *rest = await sessions(reader, tenant, person)

    assert [session.session_id for session in (first, *rest)] == ["s3", "s2", "s1"]
    before = Before(first.started_at, first.key)
    assert await sessions(reader, tenant, person, before=before) == rest
    assert await sessions(reader, tenant, person, venues=[opera]) == [rest[0]]
    assert await sessions(reader, tenant, person, venues=[]) == []
    assert await sessions(reader, uuid4(), person) == []


async def test_who_is_not_signed_in_leaves_nothing(behavior, mongo):
    tenant, venue = uuid4(), uuid4()
    await consumed(behavior, [make.page_viewed(tenant, venue, "s")])

    with acting_as(service_caller("customers", tenant)):
        assert await mongo.collection(COLLECTION).count({}) == 0


async def test_an_erased_person_is_not_brought_back_by_a_late_event(behavior, reader, database, tombstones):
    tenant, venue, person = uuid4(), uuid4(), uuid4()
    pseudonym = tombstones.pseudonym(tenant, person)
    caller = service_caller("customers", tenant)
    async with database.transaction(caller.scope) as conn:
        await tombstones.bury(conn, tenant, person, pseudonym)

    await consumed(behavior, [page(tenant, venue, "s", person, 0)])

    assert await sessions(reader, tenant, person) == []
    assert len(await sessions(reader, tenant, pseudonym)) == 1


async def test_a_bad_event_goes_to_the_dead_letters_and_harms_no_other(behavior, reader):
    tenant, venue, person = uuid4(), uuid4(), uuid4()
    bad = page(tenant, venue, "s", person, 0)
    bad.page_viewed.session_id = ""
    good = page(tenant, venue, "s", person, 1)

    settlements = await behavior.handler()([Delivery(event, 1) for event in (bad, good)])

    assert [settlement.verdict for settlement in settlements] == [Verdict.DEAD, DONE.verdict]
    assert "INVALID_FIELD" in settlements[0].reason
    assert len(await sessions(reader, tenant, person)) == 1


async def test_events_wait_while_mongodb_is_away(database, tombstones):
    away = Mongo.connect(
        "mongodb://127.0.0.1:9/", database="customers", application_name="tests", timeout_seconds=0.2
    )
    behavior = Behavior(BehaviorStore(away, kept=KEPT), Hiding(database, tombstones))
    event = page(uuid4(), uuid4(), "s", uuid4(), 0)
    try:
        with pytest.raises(DependencyUnavailable):
            await behavior.handler()([Delivery(event, 1)])
    finally:
        await away.close()


async def test_sessions_expire_after_their_last_step(mongo):
    await BehaviorStore(mongo, kept=timedelta(days=30)).ensure()
    await BehaviorStore(mongo, kept=KEPT).ensure()

    indexes = await mongo._database[COLLECTION].index_information()

    assert indexes["expiry"]["expireAfterSeconds"] == KEPT.total_seconds()
    assert indexes["expiry"]["key"] == [("last_at", 1)]
