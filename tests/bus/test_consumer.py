"""What the transactional handler does with good, bad and repeated events."""

from uuid import UUID, uuid4

import pytest

from libs.common.bus.consumer import in_transaction, repeatable
from libs.common.bus.port import DONE, Verdict
from libs.common.context import TenantScope, current_caller
from libs.common.errors import AnalyticsError, DependencyUnavailable, Kind, VenueNotFound
from libs.common.postgres.database import Database
from tests.bus.events import delivery, order_completed

POISON = "poison"


class Busy(AnalyticsError):
    """Named fake of an error that passes."""

    kind = Kind.ABORTED
    reason = "TEST_BUSY"


async def write(connection, events):
    """Insert every event; `producer` tells which error an event causes after its insert."""
    rows = [(UUID(event.tenant_id), UUID(event.event_id), event.producer) for event in events]
    await connection.executemany("insert into applied values ($1, $2, $3)", rows)
    for event in events:
        if event.producer == POISON:
            raise ZeroDivisionError
        if event.producer == "refused":
            raise VenueNotFound("no such venue")
        if event.producer == "busy":
            raise Busy("later")
        if event.producer == "away":
            raise DependencyUnavailable("a service is away")


@pytest.fixture
def handler(app):
    return in_transaction(app, service="tests", queue="tests.consumer", apply=write)


async def applied(app, tenant_id):
    async with app.transaction(TenantScope(UUID(tenant_id))) as connection:
        rows = await connection.fetch("select event_id::text from applied")
        return sorted(row["event_id"] for row in rows)


def order(tenant_id, producer="tests"):
    event = order_completed(tenant_id=tenant_id)
    event.producer = producer
    return event


async def test_events_of_several_tenants_are_applied_to_their_tenants(app, handler):
    one, other = str(uuid4()), str(uuid4())
    events = [order(one), order(other), order(one)]

    settlements = await handler([delivery(event) for event in events])

    assert settlements == [DONE] * 3
    assert await applied(app, one) == sorted([events[0].event_id, events[2].event_id])
    assert await applied(app, other) == [events[1].event_id]


async def test_a_redelivered_event_changes_nothing(app, handler):
    tenant = str(uuid4())
    events = [order(tenant) for _ in range(3)]

    await handler([delivery(event) for event in events[:2]])
    settlements = await handler([delivery(event) for event in [*events, events[2]]])

    assert settlements == [DONE] * 4
    assert await applied(app, tenant) == sorted(event.event_id for event in events)


@pytest.mark.parametrize(
    ("producer", "verdict", "reason"),
    [
        (POISON, Verdict.RETRY, "ZeroDivisionError: "),
        ("refused", Verdict.DEAD, "VENUE_NOT_FOUND: no such venue"),
        ("busy", Verdict.RETRY, "TEST_BUSY: later"),
    ],
)
async def test_one_bad_event_neither_blocks_nor_undoes_the_others(app, handler, producer, verdict, reason):
    tenant = str(uuid4())
    events = [order(tenant), order(tenant, producer), order(tenant)]

    settlements = await handler([delivery(event) for event in events])

    assert [one.verdict for one in settlements] == [Verdict.DONE, verdict, Verdict.DONE]
    assert settlements[1].reason == reason
    assert await applied(app, tenant) == sorted([events[0].event_id, events[2].event_id])


async def test_a_failed_event_is_new_again_when_it_comes_back(app, handler):
    tenant = str(uuid4())
    event = order(tenant, POISON)
    await handler([delivery(event)])
    event.producer = "repaired"

    assert await handler([delivery(event, attempt=2)]) == [DONE]
    assert await applied(app, tenant) == [event.event_id]


async def test_a_dependency_that_is_away_keeps_the_batch_in_hand(handler):
    with pytest.raises(DependencyUnavailable):
        await handler([delivery(order(str(uuid4()), "away")), delivery(order(str(uuid4())))])


async def test_a_database_that_is_away_keeps_the_batch_in_hand():
    nowhere = Database.connect("postgresql://x:y@127.0.0.1:1/none", application_name="tests")
    handler = in_transaction(nowhere, service="tests", queue="tests.consumer", apply=write)

    with pytest.raises(DependencyUnavailable):
        await handler([delivery(order(str(uuid4())))])


async def test_an_event_without_a_tenant_goes_to_the_dead_letters(handler):
    (settlement,) = await handler([delivery(order(""))])

    assert settlement.verdict is Verdict.DEAD
    assert settlement.reason.startswith("INVALID_ID")


async def test_work_runs_as_the_service_for_the_events_tenant():
    callers = []

    async def note(_events):
        callers.append(current_caller())

    tenant = str(uuid4())
    await repeatable(service="metrics", apply=note)([delivery(order(tenant))])

    (caller,) = callers
    assert (caller.actor, caller.subject) == ("metrics", "service:metrics")
    assert caller.scope == TenantScope(UUID(tenant))
    assert caller.permissions == frozenset()
    with pytest.raises(LookupError):
        current_caller()


async def test_work_after_the_commit_sees_the_rows_and_cannot_undo_them(app):
    tenant = str(uuid4())
    seen = []

    async def with_follow_up(connection, events):
        await write(connection, events)

        async def follow_up():
            seen.append(await applied(app, tenant))
            raise ZeroDivisionError

        return follow_up

    handler = in_transaction(app, service="tests", queue="tests.follow-up", apply=with_follow_up)
    event = order(tenant)

    assert await handler([delivery(event)]) == [DONE]
    assert seen == [[event.event_id]]
