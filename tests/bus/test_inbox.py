"""A queue applies an event once: whoever claims it, whenever, also across midnight."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from libs.common.bus import inbox
from libs.common.context import TenantScope

SCOPE = TenantScope(UUID("22222222-2222-4222-8222-222222222222"))


async def claim(app, ids, queue="tests.inbox", scope=SCOPE):
    async with app.transaction(scope) as connection:
        return await inbox.claim(connection, queue, ids)


def midnight():
    """The next midnight: its days on both sides have partitions."""
    return (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


async def claim_at(connection, moment, ids):
    rows = await connection.fetch(inbox.CLAIM, "tests.inbox", ids, inbox.KEPT, moment)
    return {UUID(bytes=row["event_id"].bytes) for row in rows}


async def test_an_event_is_new_once(app):
    first, second = uuid4(), uuid4()

    assert await claim(app, [first]) == {first}
    assert await claim(app, [first, second, second]) == {second}
    assert await claim(app, [first, second]) == set()


async def test_queues_and_tenants_have_inboxes_of_their_own(app):
    event = uuid4()

    assert await claim(app, [event]) == {event}
    assert await claim(app, [event], queue="tests.other") == {event}
    assert await claim(app, [event], scope=TenantScope(uuid4())) == {event}


async def test_a_claim_that_rolls_back_was_never_made(app):
    event = uuid4()
    with pytest.raises(ZeroDivisionError):
        async with app.transaction(SCOPE) as connection:
            assert await inbox.claim(connection, "tests.inbox", [event]) == {event}
            raise ZeroDivisionError

    assert await claim(app, [event]) == {event}


@pytest.mark.parametrize("first_commits", [True, False])
async def test_of_two_concurrent_claims_one_wins(app, first_commits):
    event = uuid4()
    held, release = asyncio.Event(), asyncio.Event()

    async def slow():
        async with app.transaction(SCOPE) as connection:
            claimed = await inbox.claim(connection, "tests.inbox", [event])
            held.set()
            await release.wait()
            if not first_commits:
                raise ZeroDivisionError
            return claimed

    first = asyncio.create_task(slow())
    await held.wait()
    second = asyncio.create_task(claim(app, [event]))
    await asyncio.sleep(0.2)
    assert not second.done()
    release.set()

    outcomes = await asyncio.gather(first, second, return_exceptions=True)

    winners = [outcome for outcome in outcomes if outcome == {event}]
    assert len(winners) == 1


async def test_batches_that_overlap_in_any_order_do_not_deadlock(app):
    ids = [uuid4() for _ in range(200)]

    claims = await asyncio.gather(claim(app, ids), claim(app, ids[::-1]), claim(app, ids[100:] + ids[:100]))

    assert sum(len(one) for one in claims) == 200
    assert set().union(*claims) == set(ids)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (timedelta(seconds=-1), timedelta(seconds=1)),
        (timedelta(hours=-20), timedelta(minutes=59)),
        (timedelta(hours=-20), timedelta(hours=20)),
        (timedelta(seconds=1), timedelta(hours=2)),
    ],
)
async def test_a_committed_claim_is_seen_on_the_other_side_of_midnight(app, earlier, later):
    event = uuid4()
    async with app.transaction(SCOPE) as connection:
        assert await claim_at(connection, midnight() + earlier, [event]) == {event}

    async with app.transaction(SCOPE) as connection:
        assert await claim_at(connection, midnight() + later, [event]) == set()


@pytest.mark.parametrize("before_midnight_first", [True, False])
async def test_concurrent_claims_on_either_side_of_midnight_meet(app, before_midnight_first):
    """One transaction began just before midnight and is still open when the other begins just after."""
    event = uuid4()
    moments = [midnight() - timedelta(seconds=1), midnight() + timedelta(seconds=1)]
    if not before_midnight_first:
        moments.reverse()
    held, release = asyncio.Event(), asyncio.Event()

    async def first():
        async with app.transaction(SCOPE) as connection:
            claimed = await claim_at(connection, moments[0], [event])
            held.set()
            await release.wait()
            return claimed

    async def second():
        async with app.transaction(SCOPE) as connection:
            return await claim_at(connection, moments[1], [event])

    holding = asyncio.create_task(first())
    await held.wait()
    waiting = asyncio.create_task(second())
    await asyncio.sleep(0.2)
    assert not waiting.done()
    release.set()

    assert await holding == {event}
    assert await waiting == set()
