"""The doors board shows what the scans say, however they arrive."""

from datetime import timedelta
from uuid import uuid4

import pytest

from libs.common.bus.port import Delivery
from libs.common.context import TenantScope
from libs.common.errors import VenueNotFound
from services.metrics.doors.board import Doors
from services.metrics.doors.store import MOST_SHOWS
from services.metrics.errors import EventNotFound, TooManyEvents
from tests.metrics.platform import oracle, oracle_tickets
from tests.metrics.platform.evening import evening
from tests.metrics.read_models.test_read_models import deliver
from tests.platform import events as make
from tests.platform.events import NOON

MINUTE = timedelta(minutes=1)


@pytest.fixture
def board_at(database, venues):
    """Reads the boards of a venue as if it were `now`."""

    async def read(tenant, venue, show=None, *, now=NOON, grant=None):
        doors = Doors(database, venues, now=lambda: now)
        return await doors.boards(TenantScope(tenant, grant), venue, show)

    return read


async def only(reading):
    (board,) = (await reading).boards
    return board


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_shuffled_evening_adds_up_at_every_moment(handler, board_at, seed):
    made = evening(seed)
    sold = oracle.sold(made.log)

    await deliver(handler, made.arrivals(seed), seed)
    await deliver(handler, made.arrivals(seed + 50), seed)

    for minutes in (-5, 0, 7.5, 31, 60):
        now = NOON + timedelta(minutes=minutes)
        for show, venue in made.shows.items():
            board = await only(board_at(made.tenant_id, venue, show, now=now))
            assert board.sold_count == sum(n for (its_show, _), n in sold.items() if its_show == str(show))
            assert (board.admitted_count, board.inside_count) == oracle_tickets.house(made.log, show)
            expected = oracle_tickets.gates(made.log, show, now)
            assert [gate.name for gate in board.gates] == sorted(expected)
            for gate in board.gates:
                admitted, refused, last, last_minutes = expected[gate.name]
                assert (gate.admitted_count, gate.refused_count) == (admitted, refused)
                assert gate.last_scan_at == last
                assert [[one.admitted_count, one.refused_count] for one in gate.minutes] == last_minutes
                assert gate.rate == sum(count for count, _ in last_minutes[-6:-1]) / 5
    assert (await board_at(made.tenant_id, made.venues[0])).as_of is not None


async def test_gates_have_the_last_thirty_minutes_and_none_is_left_out(handler, board_at):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    now = NOON + timedelta(minutes=40, seconds=30)
    scans = [
        make.ticket_scanned(tenant, venue, show=show, gate="B", at=now - 29 * MINUTE - timedelta(seconds=30)),
        make.ticket_scanned(tenant, venue, show=show, gate="B", at=now - 30 * MINUTE),
        make.ticket_scanned(tenant, venue, show=show, gate="B", at=now - timedelta(seconds=30)),
        make.ticket_scanned(tenant, venue, show=show, gate="A", result="refused", at=now),
    ]

    await deliver(handler, scans)
    board = await only(board_at(tenant, venue, show, now=now))

    quiet, busy = board.gates
    starts = [NOON + timedelta(minutes=minute) for minute in range(11, 41)]
    assert [minute.start for minute in busy.minutes] == starts == [minute.start for minute in quiet.minutes]
    assert [minute.admitted_count for minute in busy.minutes] == [1, *[0] * 28, 1]
    assert [minute.refused_count for minute in quiet.minutes] == [*[0] * 29, 1]
    assert (busy.admitted_count, busy.refused_count, busy.last_scan_at) == (
        3,
        0,
        scans[2].occurred_at.ToDatetime(NOON.tzinfo),
    )
    assert (quiet.admitted_count, quiet.refused_count, quiet.last_scan_at) == (0, 1, now)


async def test_a_ticket_counts_once_and_an_exit_empties_its_place(handler, board_at):
    tenant, venue, show, ticket = uuid4(), uuid4(), uuid4(), uuid4()

    def scan(minute, result, gate):
        return make.ticket_scanned(
            tenant, venue, ticket, show=show, result=result, gate=gate, at=NOON + minute * MINUTE
        )

    await deliver(handler, [scan(5, "exited", "B"), scan(1, "admitted", "A"), scan(2, "admitted", "B")])
    out = await only(board_at(tenant, venue, show, now=NOON + 6 * MINUTE))
    await deliver(handler, [scan(9, "readmitted", "B")])
    back = await only(board_at(tenant, venue, show, now=NOON + 10 * MINUTE))

    assert (out.admitted_count, out.inside_count) == (1, 0)
    assert (back.admitted_count, back.inside_count) == (1, 1)
    assert [(gate.name, gate.admitted_count) for gate in back.gates] == [("A", 1), ("B", 0)]


async def test_an_earlier_admission_that_comes_late_moves_to_its_gate_and_minute(handler, board_at):
    tenant, venue, show, ticket = uuid4(), uuid4(), uuid4(), uuid4()
    late = make.ticket_scanned(tenant, venue, ticket, show=show, gate="A", at=NOON + MINUTE)

    await deliver(
        handler, [make.ticket_scanned(tenant, venue, ticket, show=show, gate="B", at=NOON + 3 * MINUTE)]
    )
    before = await only(board_at(tenant, venue, show, now=NOON + 4 * MINUTE))
    await deliver(handler, [late])
    after = await only(board_at(tenant, venue, show, now=NOON + 4 * MINUTE))

    assert [(gate.name, gate.admitted_count) for gate in before.gates] == [("B", 1)]
    assert [(gate.name, gate.admitted_count) for gate in after.gates] == [("A", 1), ("B", 0)]
    assert [minute.admitted_count for minute in after.gates[0].minutes[-5:]] == [0, 1, 0, 0, 0]
    assert [minute.admitted_count for minute in after.gates[1].minutes[-5:]] == [0, 0, 0, 0, 0]


async def test_the_rate_takes_complete_minutes_and_tells_when_all_are_in(handler, board_at):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    now = NOON + timedelta(minutes=10, seconds=20)
    sale = make.order_completed(tenant, venue, show=show, lines=[(20, 1_000)], at=NOON)
    counted = [NOON + timedelta(minutes=minute) for minute in (5, 6, 6.5, 7, 9.99)]
    not_counted = [NOON + timedelta(minutes=minute) for minute in (4.99, 10, 10.2)]

    await deliver(
        handler,
        [sale]
        + [
            make.ticket_scanned(tenant, venue, show=show, at=at, gate=gate)
            for at, gate in zip(counted + not_counted, "ABABABAB", strict=True)
        ],
    )
    board = await only(board_at(tenant, venue, show, now=now))

    assert board.rate == 1.0
    assert [gate.rate for gate in board.gates] == [0.6, 0.4]
    assert board.admitted_ratio == 8 / 20
    assert board.all_inside_at(now) == now + timedelta(minutes=12)


async def test_without_scans_there_is_no_rate_no_ratio_and_no_end(handler, board_at):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    await deliver(handler, [make.event_created(tenant, venue, show, starts_at=NOON)])

    boards = await board_at(tenant, venue, show)

    (board,) = boards.boards
    assert (board.sold_count, board.inside_count, board.gates, board.rate) == (0, 0, (), 0)
    assert board.admitted_ratio is None
    assert board.all_inside_at(NOON) is None
    assert boards.as_of is None


async def test_shows_whose_doors_are_near_come_by_doors_time(handler, board_at):
    tenant, venue = uuid4(), uuid4()
    near = {hours: uuid4() for hours in (-12, -3, 0, 6)}
    second = timedelta(seconds=1)
    log = [
        make.event_created(tenant, venue, show, starts_at=NOON + timedelta(hours=hours))
        for hours, show in near.items()
    ]
    by_doors, far_doors, cancelled = uuid4(), uuid4(), uuid4()
    hours = timedelta(hours=1)
    log += [
        make.event_created(tenant, venue, by_doors, doors_at=NOON + 5 * hours, starts_at=NOON + 7 * hours),
        make.event_created(tenant, venue, far_doors, doors_at=NOON - 13 * hours, starts_at=NOON),
        make.event_created(tenant, venue, cancelled, starts_at=NOON),
        make.event_cancelled(tenant, venue, cancelled, at=NOON - hours),
        make.event_created(tenant, venue, uuid4(), starts_at=NOON + 6 * hours + second),
        make.event_created(tenant, venue, uuid4(), starts_at=NOON - 12 * hours - second),
        make.event_created(tenant, uuid4(), uuid4(), starts_at=NOON),
        make.ticket_scanned(tenant, venue, show=uuid4(), at=NOON),
    ]

    await deliver(handler, log)
    boards = (await board_at(tenant, venue)).boards

    assert [board.event_id for board in boards] == [near[-12], near[-3], near[0], by_doors, near[6]]
    (named,) = (await board_at(tenant, venue, cancelled)).boards
    assert named.event_id == cancelled


async def test_a_scan_of_an_unknown_show_makes_the_show_known(handler, board_at):
    tenant, venue, show = uuid4(), uuid4(), uuid4()

    await deliver(handler, [make.ticket_scanned(tenant, venue, show=show)])
    board = await only(board_at(tenant, venue, show))

    assert (board.name, board.starts_at, board.inside_count, board.admitted_ratio) == (None, None, 1, None)


async def test_tickets_sold_by_their_type_alone_count_for_the_types_show(handler, board_at):
    tenant, venue, show, stalls = uuid4(), uuid4(), uuid4(), uuid4()

    await deliver(
        handler,
        [
            make.ticket_type_updated(tenant, venue, show, stalls),
            make.order_completed(tenant, venue, lines=[(4, 1_000, stalls)]),
            make.order_completed(tenant, venue, show=show, lines=[(2, 1_000, stalls)]),
        ],
    )

    assert (await only(board_at(tenant, venue, show))).sold_count == 6


async def test_more_admitted_than_sold_is_a_full_house(handler, board_at):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    log = [make.ticket_scanned(tenant, venue, show=show) for _ in range(3)]

    await deliver(handler, [*log, make.order_completed(tenant, venue, show=show)])
    board = await only(board_at(tenant, venue, show, now=NOON + 2 * MINUTE))

    assert (board.admitted_ratio, board.inside_count, board.rate) == (1.0, 3, 0.6)
    assert board.all_inside_at(NOON) is None


async def test_a_foreign_or_ungranted_venue_and_a_foreign_show_are_not_found(handler, board_at):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    await deliver(handler, [make.ticket_scanned(tenant, venue, show=show)])

    with pytest.raises(VenueNotFound):
        await board_at(uuid4(), venue, show)
    with pytest.raises(VenueNotFound):
        await board_at(tenant, venue, show, grant=frozenset({uuid4()}))
    with pytest.raises(EventNotFound):
        await board_at(tenant, venue, uuid4())
    assert (await board_at(tenant, venue, show, grant=frozenset({venue}))).boards


async def test_too_many_doors_at_once_ask_for_one_show(handler, board_at):
    tenant, venue = uuid4(), uuid4()
    shows = [make.event_created(tenant, venue, uuid4(), starts_at=NOON) for _ in range(MOST_SHOWS + 1)]
    await handler([Delivery(event, 1) for event in shows])

    with pytest.raises(TooManyEvents):
        await board_at(tenant, venue)
