"""What both brokers promise about one delivery: it arrives, is settled as decided, and never vanishes."""

import asyncio
import itertools
import sys
import time

import pytest

from libs.common.bus.envelope import JSON, encode
from libs.common.bus.port import DONE, NoSubscriber, Settlement, Verdict
from libs.common.errors import DependencyUnavailable
from tests.bus.events import alert_resolved, order_cancelled, order_completed
from tests.bus.receiving import RETRY_DELAYS, Received, eventually, running


def consume(bus, queue, handler, **options):
    options = {"types": ["order.completed"], "retry_delays": RETRY_DELAYS, "max_deliveries": 4} | options
    return bus.consume(queue, handler=handler, **options)


async def test_published_events_arrive_as_they_were_sent(bus, queue):
    received = Received()
    await bus.subscribe(queue, types=["order.completed"])
    events = [order_completed(version=number) for number in range(50)]

    await bus.publish(events)

    async with running(consume(bus, queue, received)):
        await received.until(50)
    assert sorted(received.ids) == sorted(event.event_id for event in events)
    by_id = {event.event_id: event for event in events}
    assert all(one.event == by_id[one.event.event_id] and one.attempt == 1 for one in received.deliveries)


async def test_a_waiting_backlog_is_handled_in_batches(bus, queue):
    received = Received()
    await bus.subscribe(queue, types=["order.completed"])
    await bus.publish([order_completed() for _ in range(200)])

    async with running(consume(bus, queue, received, prefetch=50)):
        await received.until(200)

    assert max(received.batch_sizes) == 50
    assert len(received.batch_sizes) <= 12


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("order.*", 2), ("order.completed", 1), ("#", 2), ("*.cancelled", 1), ("ticket.*", 0)],
)
async def test_a_queue_gets_only_the_types_it_asked_for(bus, queue, pattern, expected):
    received, every = Received(), Received()
    await bus.subscribe(queue, types=[pattern])
    everything = f"{queue}.all"
    await bus.subscribe(everything, types=["order.*"])

    await bus.publish([order_completed(), order_cancelled()])

    async with running(consume(bus, queue, received, types=[pattern])):
        async with running(consume(bus, everything, every, types=["order.*"])):
            await every.until(2)
        await received.until(expected)
    assert len(received.deliveries) == expected
    await bus.unsubscribe(everything, retry_delays=RETRY_DELAYS)


async def test_an_event_that_no_queue_takes_is_refused_and_not_stored(bus, queue):
    received = Received()
    await bus.subscribe(queue, types=["order.completed"])

    with pytest.raises(NoSubscriber) as refusal:
        await bus.publish([alert_resolved()])

    assert refusal.value.metadata["routing_key"] == "alert.resolved"
    await bus.publish([order_completed()])
    async with running(consume(bus, queue, received)):
        await received.until(1)


async def test_each_delivery_of_a_batch_is_settled_by_itself(bus, queue):
    good, bad = order_completed(), order_completed()
    verdicts = {good.event_id: DONE, bad.event_id: Settlement(Verdict.DEAD, "TOO_BAD: nothing to be done")}
    received = Received(settle=lambda one: verdicts[one.event.event_id])
    await bus.subscribe(queue, types=["order.completed"])
    await bus.publish([good, bad])

    async with running(consume(bus, queue, received)):
        await received.until(2)

    (letter,) = await bus.list_dead(queue)
    assert letter.event == bad
    assert letter.reason == "TOO_BAD: nothing to be done"
    assert letter.attempt == 1
    assert letter.died_at is not None


async def test_retries_come_back_after_growing_delays_and_then_die(bus, queue):
    seen = []

    def again(one):
        seen.append((one.attempt, time.monotonic()))
        return Settlement(Verdict.RETRY, "NOT_YET: later")

    received = Received(settle=again)
    await bus.subscribe(queue, types=["order.completed"])
    await bus.publish([order_completed()])

    async with running(consume(bus, queue, received)):
        await received.until(4)

    assert [attempt for attempt, _ in seen] == [1, 2, 3, 4]
    waits = [later - earlier for (_, earlier), (_, later) in itertools.pairwise(seen)]
    assert all(wait >= delay * 0.95 for wait, delay in zip(waits, RETRY_DELAYS, strict=True))
    (letter,) = await bus.list_dead(queue)
    assert letter.reason == "gave up after 4 attempts: NOT_YET: later"
    assert letter.attempt == 4


async def test_a_short_retry_overtakes_a_long_one(bus, queue):
    """Each delay has a line of its own: an event that waits long does not hold up one that waits briefly."""
    first, second = order_completed(), order_completed()
    returned = []

    def decide(one):
        if one.event.event_id == first.event_id and one.attempt < 3:
            return Settlement(Verdict.RETRY, "twice")
        if one.event.event_id == second.event_id and one.attempt < 2:
            return Settlement(Verdict.RETRY, "once")
        returned.append(one.event.event_id)
        return DONE

    await bus.subscribe(queue, types=["order.completed"])
    await bus.publish([first, second])

    async with running(consume(bus, queue, Received(settle=decide), retry_delays=RETRY_DELAYS)):
        await eventually(lambda: len(returned) == 2)

    assert returned == [second.event_id, first.event_id]


async def test_an_attempt_that_is_no_number_is_the_first(bus, queue, broker):
    received = Received()
    await bus.subscribe(queue, types=["order.completed"])
    await broker.inject(
        queue, order_completed().SerializeToString(), "application/x-protobuf", attempt="soon"
    )

    async with running(consume(bus, queue, received)):
        await received.until(1)

    assert [one.attempt for one in received.deliveries] == [1]


async def test_messages_that_are_no_events_go_to_the_dead_letters_and_hold_up_nobody(bus, queue, broker):
    received = Received()
    await bus.subscribe(queue, types=["order.completed"])
    mislabelled = order_completed()
    body = mislabelled.SerializeToString()
    mislabelled.type = "order.cancelled"
    await broker.inject(queue, b"\xff\xff\xff", "application/x-protobuf")
    await broker.inject(queue, body, "text/plain")
    await broker.inject(queue, mislabelled.SerializeToString(), "application/x-protobuf")

    await bus.publish([order_completed()])

    async with running(consume(bus, queue, received)):
        await received.until(1)
        await _dead(bus, queue, 3)
    letters = await bus.list_dead(queue)
    assert all(letter.reason.startswith("UNREADABLE_EVENT: ") for letter in letters)
    assert [letter.event for letter in letters] == [None, None, None]


def _dead(bus, queue, count):
    async def enough():
        return len(await bus.list_dead(queue)) >= count

    return eventually(enough)


async def test_json_messages_are_read_like_binary_ones(bus, queue, broker):
    received = Received()
    event = order_completed(version=3)
    await bus.subscribe(queue, types=["order.completed"])

    await broker.inject(queue, encode(event, JSON), "application/json; charset=utf-8")

    async with running(consume(bus, queue, received)):
        await received.until(1)
    assert received.deliveries[0].event == event


async def test_dead_letters_can_be_listed_and_replayed_one_by_one(bus, queue):
    events = [order_completed() for _ in range(3)]
    await bus.subscribe(queue, types=["order.completed"])
    await bus.publish(events)
    async with running(consume(bus, queue, Received(settle=lambda _: Settlement(Verdict.DEAD, "BUG: x")))):
        await _dead(bus, queue, 3)
    for _ in range(25):  # looking must not wear letters out
        assert len(await bus.list_dead(queue)) == 3
    received = Received()

    assert await bus.replay_dead(queue, event_ids=[events[1].event_id]) == 1
    async with running(consume(bus, queue, received)):
        await received.until(1)
        assert await bus.replay_dead(queue) == 2
        await received.until(3)

    assert received.ids[0] == events[1].event_id
    assert {one.attempt for one in received.deliveries} == {1}
    assert await bus.list_dead(queue) == []


async def test_a_batch_waits_in_hand_while_a_dependency_is_away(bus, queue):
    received = Received()
    calls = 0

    async def away_at_first(deliveries):
        nonlocal calls
        calls += 1
        if calls < 3:
            raise DependencyUnavailable("the database is away")
        return await received(deliveries)

    await bus.subscribe(queue, types=["order.completed"])
    await bus.publish([order_completed(), order_completed()])

    async with running(consume(bus, queue, away_at_first)):
        await received.until(2)

    assert calls == 3
    assert {one.attempt for one in received.deliveries} == {1}


async def test_a_handler_that_breaks_is_tried_again(bus, queue):
    received = Received()

    async def breaks_at_first(deliveries):
        if deliveries[0].attempt == 1:
            raise ZeroDivisionError
        return await received(deliveries)

    await bus.subscribe(queue, types=["order.completed"])
    await bus.publish([order_completed()])

    async with running(consume(bus, queue, breaks_at_first)):
        await received.until(1)

    assert received.deliveries[0].attempt == 2


async def test_a_slow_consumer_holds_no_more_than_its_prefetch(bus, queue, broker):
    received, release = Received(), asyncio.Event()

    async def slow(deliveries):
        received.batch_sizes.append(len(deliveries))
        await release.wait()
        return await received(deliveries)

    await bus.subscribe(queue, types=["order.completed"])
    await bus.publish([order_completed() for _ in range(30)])

    async with running(consume(bus, queue, slow, prefetch=5)):
        await eventually(lambda: received.batch_sizes)
        waiting = await broker.waiting(queue)
        release.set()
        await received.until(30)

    assert waiting == 25
    assert max(received.batch_sizes) == 5


async def test_consumers_of_one_queue_share_its_events(bus, queue):
    one, other = Received(), Received()
    await bus.subscribe(queue, types=["order.completed"])
    events = [order_completed() for _ in range(100)]

    async with (
        running(consume(bus, queue, one, prefetch=10)),
        running(consume(bus, queue, other, prefetch=10)),
    ):
        await bus.publish(events)
        await eventually(lambda: len(one.deliveries) + len(other.deliveries) >= 100)

    assert sorted(one.ids + other.ids) == sorted(event.event_id for event in events)
    assert one.ids
    assert other.ids


async def test_a_stopped_consumer_leaves_its_events_to_the_next_at_once(bus, queue):
    first, second = Received(), Received()
    started = asyncio.Event()

    async def unavailable(_deliveries):
        started.set()
        raise DependencyUnavailable("never")

    await bus.subscribe(queue, types=["order.completed"])
    await bus.publish([order_completed()])
    async with running(consume(bus, queue, unavailable)):
        await started.wait()
    assert first.deliveries == []

    async with running(consume(bus, queue, second)):
        await second.until(1, within=45)


async def test_the_events_of_a_killed_consumer_go_to_another_one(bus, queue, broker):
    """The child takes a batch and hangs in its handler; SIGKILL leaves it no chance to say goodbye."""
    await bus.subscribe(queue, types=["order.completed"])
    events = [order_completed() for _ in range(5)]
    await bus.publish(events)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bus.hanging_consumer", broker.url, queue, stdout=asyncio.subprocess.PIPE
    )
    assert await asyncio.wait_for(child.stdout.readline(), 20) == b"holding 5\n"

    child.kill()
    await child.wait()

    received = Received()
    async with running(consume(bus, queue, received)):
        await received.until(5, within=45)
    assert sorted(received.ids) == sorted(event.event_id for event in events)
