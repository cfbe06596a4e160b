"""Events leave exactly with their transaction, soon, and however many relays carry them."""

import asyncio
import time
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.common.bus import outbox
from libs.common.bus.outbox import OutboxRelay
from libs.common.bus.port import UnreadableEvent
from libs.common.context import TenantScope
from tests.bus.events import TENANT, alert_resolved, order_cancelled, order_completed
from tests.bus.receiving import RETRY_DELAYS, Received, eventually, running

SCOPE = TenantScope(UUID(TENANT))


@pytest.fixture(autouse=True)
async def empty_outbox(worker):
    async with worker.infrastructure() as connection:
        await connection.execute("delete from outbox")


@pytest.fixture
async def received(bus, queue):
    """What arrives on a queue of orders, while the test runs."""
    handler = Received()
    await bus.subscribe(queue, types=["order.*"])
    async with running(bus.consume(queue, types=["order.*"], handler=handler, retry_delays=RETRY_DELAYS)):
        yield handler


async def in_outbox(worker):
    async with worker.infrastructure() as connection:
        return await connection.fetchval("select count(*) from outbox")


async def test_events_leave_with_the_commit_within_milliseconds(app, worker, bus, received):
    event = order_completed()

    async with running(OutboxRelay(worker, bus, poll_seconds=30)):
        await asyncio.sleep(0.5)  # the relay listens; its next look by itself is 30 s away
        async with app.transaction(SCOPE) as connection:
            await outbox.append(connection, [event])
        committed = time.monotonic()
        await received.until(1)

    assert received.ids == [event.event_id]
    assert time.monotonic() - committed < 5
    assert await in_outbox(worker) == 0


async def test_a_rolled_back_transaction_publishes_nothing(app, worker, bus, received):
    with pytest.raises(ZeroDivisionError):
        async with app.transaction(SCOPE) as connection:
            await outbox.append(connection, [order_completed()])
            raise ZeroDivisionError

    assert await OutboxRelay(worker, bus).relay_once() == 0


async def test_a_transaction_that_commits_late_is_not_skipped(app, worker, bus, received):
    """Rows are numbered when they are written, not when they are committed."""
    early, late = order_completed(), order_completed()
    relay = OutboxRelay(worker, bus)

    async with app.transaction(SCOPE) as slow:
        await outbox.append(slow, [late])

        async def overtake():
            async with app.transaction(SCOPE) as quick:
                await outbox.append(quick, [early])

        await asyncio.create_task(overtake())
        assert await relay.relay_once() == 1
    assert await relay.relay_once() == 1

    await received.until(2)
    assert received.ids == [early.event_id, late.event_id]


async def test_several_relays_carry_every_event_once(app, worker, bus, received):
    events = [order_completed() for _ in range(300)]
    for start in range(0, 300, 20):
        async with app.transaction(SCOPE) as connection:
            await outbox.append(connection, events[start : start + 20])
    relays = [OutboxRelay(worker, bus, batch_size=10) for _ in range(3)]

    async with running(relays[0]), running(relays[1]), running(relays[2]):
        await received.until(300)

    assert sorted(received.ids) == sorted(event.event_id for event in events)
    assert await in_outbox(worker) == 0


async def test_a_type_without_subscriber_waits_and_holds_up_no_other(app, worker, bus, received):
    unwanted, wanted = alert_resolved(), order_cancelled()
    async with app.transaction(SCOPE) as connection:
        await outbox.append(connection, [unwanted, wanted])

    async with running(OutboxRelay(worker, bus, poll_seconds=0.1)):
        await received.until(1)
        await eventually(lambda: _is(in_outbox(worker), 1))

    assert set(received.ids) == {wanted.event_id}  # perhaps sent twice: the inbox is for that


async def _is(count, expected):
    return await count == expected


async def test_an_event_of_another_tenant_is_not_accepted(app):
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with app.transaction(SCOPE) as connection:
            await outbox.append(connection, [order_completed(tenant_id=str(uuid4()))])


async def test_an_event_whose_type_and_payload_disagree_is_not_accepted(app):
    event = order_completed()
    event.type = "order.cancelled"

    with pytest.raises(UnreadableEvent):
        async with app.transaction(SCOPE) as connection:
            await outbox.append(connection, [event])


async def test_the_app_role_cannot_read_the_outbox(app):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with app.transaction(SCOPE) as connection:
            await connection.fetch("select content from outbox")
