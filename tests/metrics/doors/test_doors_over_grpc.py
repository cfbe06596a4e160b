"""The doors board of a running service: fresh, and each tenant its own."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tickettoken.metrics.v1 import doors_pb2

from tests.metrics.read_models.test_over_grpc import eventually, publish
from tests.metrics.serving import bad_fields, refused
from tests.platform import events as make


async def board(client, venue, event=None):
    request = doors_pb2.GetDoorsBoardRequest(
        venue_id=str(venue), event_id="" if event is None else str(event)
    )
    return await client.realtime.GetDoorsBoard(request, metadata=client.metadata)


async def test_a_house_fills_before_the_callers_eyes(metrics_process):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    now = datetime.now(UTC)
    log = [
        make.event_created(
            tenant, venue, show, name="Aida", starts_at=now + timedelta(hours=1), doors_at=now
        ),
        make.order_completed(tenant, venue, show=show, lines=[(10, 1_000)], at=now - timedelta(days=1)),
        make.ticket_scanned(tenant, venue, show=show, gate="North", at=now - timedelta(minutes=2)),
        make.ticket_scanned(tenant, venue, show=show, gate="North", result="refused", at=now),
    ]
    async with metrics_process.client(tenant) as client:

        async def seen():
            boards = (await board(client, venue)).boards
            return [(one.event_name, one.sold_count, one.inside_count) for one in boards]

        await publish(client, log)
        await eventually(seen, [("Aida", 10, 1)])
        await publish(client, [make.ticket_scanned(tenant, venue, show=show, gate="South", at=now)])
        await eventually(seen, [("Aida", 10, 2)])
        answer = await board(client, venue, show)

    (house,) = answer.boards
    assert house.event_id == str(show)
    assert house.doors_at.ToDatetime(UTC) == now
    assert house.starts_at.ToDatetime(UTC) == now + timedelta(hours=1)
    assert house.admitted_ratio == 0.2
    assert house.admissions_per_minute == sum(gate.admissions_per_minute for gate in house.gates) > 0
    assert house.all_inside_at.ToDatetime(UTC) > now
    assert answer.as_of.ToDatetime(UTC) == now
    north, south = house.gates
    assert (north.gate, north.admitted_count, north.refused_count) == ("North", 1, 1)
    assert (south.gate, south.admitted_count, south.refused_count) == ("South", 1, 0)
    assert north.last_scan_time.ToDatetime(UTC) == now
    for gate in house.gates:
        starts = [minute.start_time.ToSeconds() for minute in gate.minutes]
        assert starts == list(range(starts[0], starts[0] + 30 * 60, 60))
        assert starts[0] % 60 == 0
    assert sum(minute.admitted_count for minute in north.minutes) == 1


async def test_an_empty_board_has_nothing_to_tell(metrics_process):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    created = make.event_created(tenant, venue, show, starts_at=datetime(2040, 1, 1, tzinfo=UTC))
    async with metrics_process.client(tenant) as client:

        async def seen():
            return (await board(client, venue, show)).boards

        async def known():
            return (await refused_or_none(seen())) is None

        await publish(client, [created])
        await eventually(known, True)
        (house,) = await seen()
        near = await board(client, venue)

    assert not house.HasField("admitted_ratio")
    assert not house.HasField("all_inside_at")
    assert (house.sold_count, list(house.gates)) == (0, [])
    assert near == doors_pb2.GetDoorsBoardResponse()


async def refused_or_none(call):
    try:
        await call
    except Exception as error:  # noqa: BLE001 - any refusal means that the show is not known yet
        return error
    return None


async def test_what_is_not_the_callers_is_not_found(metrics_process):
    owner, venue = uuid4(), uuid4()
    async with metrics_process.client(owner) as client:

        async def seen():
            return len((await board(client, venue)).boards)

        now = datetime.now(UTC)
        await publish(client, [make.event_created(owner, venue, uuid4(), starts_at=now)])
        await eventually_answered(client, venue)
        await eventually(seen, 1)
        assert await refused(board(client, uuid4())) == ("NOT_FOUND", "VENUE_NOT_FOUND")
        assert await refused(board(client, venue, uuid4())) == ("NOT_FOUND", "EVENT_NOT_FOUND")
        assert await bad_fields(board(client, "7")) == ["venueId"]
        assert await bad_fields(board(client, venue, "7")) == ["eventId"]
    async with metrics_process.client(owner, venue_ids=[uuid4()]) as client:
        assert await refused(board(client, venue)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
    async with metrics_process.client(uuid4()) as client:
        assert await refused(board(client, venue)) == ("NOT_FOUND", "VENUE_NOT_FOUND")


async def eventually_answered(client, venue):
    async def answered():
        return (await refused_or_none(board(client, venue))) is None

    await eventually(answered, True)


async def test_more_doors_than_one_answer_holds_are_refused(metrics_process):
    tenant, venue = uuid4(), uuid4()
    now = datetime.now(UTC)
    shows = [make.event_created(tenant, venue, uuid4(), starts_at=now) for _ in range(101)]
    async with metrics_process.client(tenant) as client:

        async def reason():
            error = await refused_or_none(board(client, venue))
            return None if error is None else (await refused(board(client, venue)))[1]

        await publish(client, shows)
        await eventually(reason, "TOO_MANY_EVENTS")


async def test_without_permission_there_is_no_board(metrics_process):
    async with metrics_process.client(uuid4(), permissions=["analytics.write"]) as client:
        assert (await refused(board(client, uuid4())))[0] == "PERMISSION_DENIED"
