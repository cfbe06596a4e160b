"""ReplayEvents gives back what was published, in order, from any point, to services only."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from tickettoken.metrics.v1 import ingest_service_pb2

from libs.common.bus.consumer import service_caller
from libs.common.context import acting_as
from libs.common.errors import DependencyUnavailable
from services.metrics.errors import ResumeExpired, ResumeTokenInvalid
from services.metrics.raw_events.consumer import RawEvents
from services.metrics.raw_events.replay import Replay
from services.metrics.raw_events.store import RawEventStore
from tests.metrics.erased import NobodyErased
from tests.metrics.serving import refused
from tests.platform import events as make
from tests.platform.season import season

KEPT = timedelta(days=400)
KEY = b"r" * 32


@pytest.fixture
async def store(mongo_url):
    store = RawEventStore.connect(mongo_url, kept=KEPT)
    yield store
    await store.close()


async def stored(store, events, at=None):
    """Keep the events in batches of 40, a second apart, the last one at the given time."""
    at = at or datetime.now(UTC) - timedelta(hours=1)
    batches = [events[start : start + 40] for start in range(0, len(events), 40)]
    for number, batch in enumerate(batches):
        moment = at - timedelta(seconds=len(batches) - number)
        await RawEvents(store, NobodyErased(), now=lambda moment=moment: moment).apply(batch)


async def collected(batches):
    return [batch async for batch in batches]


async def test_events_come_back_as_they_were_to_the_microsecond(store):
    made = season(3, orders=60)
    with acting_as(service_caller("metrics", made.tenant_id)):
        await stored(store, made.log)

        batches = await collected(Replay(store, KEY).batches(made.tenant_id))

    given = {event.event_id: event for event in made.log}
    back = [event for _, events in batches for event in events]
    assert len(back) == len(given)
    assert all(event == given[event.event_id] for event in back)


async def test_a_replay_goes_on_after_any_of_its_tokens(store):
    made = season(4, orders=20)
    replay = Replay(store, KEY, batch=7)
    with acting_as(service_caller("metrics", made.tenant_id)):
        await stored(store, made.log)
        whole = await collected(replay.batches(made.tenant_id))

        for place, (token, _) in enumerate(whole):
            rest = await collected(replay.batches(made.tenant_id, token))

            assert [one.event_id for _, events in rest for one in events] == [
                one.event_id for _, events in whole[place + 1 :] for one in events
            ]


async def test_the_last_minute_is_sent_again_to_those_who_come_back(store):
    tenant, venue = uuid4(), uuid4()
    with acting_as(service_caller("metrics", tenant)):
        await stored(store, [make.venue_updated(tenant, venue)], at=datetime.now(UTC) - timedelta(seconds=10))
        replay = Replay(store, KEY)
        ((token, _),) = await collected(replay.batches(tenant))
        await stored(store, [make.venue_updated(tenant, venue)], at=datetime.now(UTC) - timedelta(seconds=20))

        assert sum([len(events) async for _, events in replay.batches(tenant, token)]) == 2


async def test_types_and_times_choose_among_the_events(store):
    made = season(5, orders=30)
    start, end = make.NOON + timedelta(hours=1), make.NOON + timedelta(hours=4)
    types = ("order.completed", "order.refunded")
    with acting_as(service_caller("metrics", made.tenant_id)):
        await stored(store, made.log)

        batches = Replay(store, KEY).batches(made.tenant_id, types=types, start=start, end=end)
        found = {event.event_id async for _, events in batches for event in events}

    assert found == {
        event.event_id
        for event in made.log
        if event.type in types and start <= event.occurred_at.ToDatetime(UTC) < end
    }
    assert found


async def test_foreign_damaged_and_expired_tokens_are_refused(store):
    tenant, venue = uuid4(), uuid4()
    replay = Replay(store, KEY)
    with acting_as(service_caller("metrics", tenant)):
        await stored(store, [make.venue_updated(tenant, venue)])
        ((token, _),) = await collected(replay.batches(tenant))
        later = Replay(store, KEY, now=lambda: datetime.now(UTC) + KEPT)

        with pytest.raises(ResumeTokenInvalid):
            await collected(replay.batches(uuid4(), token))
        with pytest.raises(ResumeTokenInvalid):
            await collected(replay.batches(tenant, token[:-2]))
        with pytest.raises(ResumeExpired):
            await collected(later.batches(tenant, token))


async def test_without_mongodb_a_replay_is_unavailable():
    nowhere = RawEventStore.connect("mongodb://127.0.0.1:1/?connectTimeoutMS=50", kept=KEPT)
    tenant = uuid4()
    with acting_as(service_caller("metrics", tenant)), pytest.raises(DependencyUnavailable):
        await collected(Replay(nowhere, KEY).batches(tenant))
    await nowhere.close()


async def test_services_replay_their_tenant_over_grpc_and_users_do_not(metrics_process):
    tenant, venue = uuid4(), uuid4()
    sent = [make.venue_updated(tenant, venue), make.order_completed(tenant, venue)]
    request = ingest_service_pb2.ReplayEventsRequest()
    async with metrics_process.client(tenant) as client:
        await client.ingest.PublishEvents(
            ingest_service_pb2.PublishEventsRequest(events=sent), metadata=client.metadata
        )
        found = await eventually(lambda: replayed(client, metrics_process, tenant, request), 2)

        assert {event.event_id for event in found} == {event.event_id for event in sent}
        assert await replayed(client, metrics_process, uuid4(), request) == []
        by_user = client.ingest.ReplayEvents(request, metadata=client.metadata)
        assert (await refused(by_user.read()))[0] == "PERMISSION_DENIED"
        request.resume_token = "nonsense"
        assert await refused(replayed(client, metrics_process, tenant, request)) == (
            "INVALID_ARGUMENT",
            "RESUME_TOKEN_INVALID",
        )


async def replayed(client, process, tenant, request):
    metadata = (("authorization", f"Bearer {process.service_token(tenant)}"),)
    return [
        event
        async for message in client.ingest.ReplayEvents(request, metadata=metadata)
        for event in message.events
    ]


async def eventually(ask, count):
    for _ in range(100):
        if len(found := await ask()) == count:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"{len(found)} of {count} events")
