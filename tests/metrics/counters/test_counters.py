"""A counter is the sum of the accepted increments: whoever adds, however often a call is repeated."""

import asyncio
import random
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tickettoken.metrics.v1 import counters_pb2

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.errors import AnalyticsError, VenueNotFound
from libs.common.postgres.database import Database
from libs.common.rpc.claims import Claim
from libs.common.rpc.errors import IdempotencyInFlight, IdempotencyKeyReused
from services.metrics.counters.commits import CounterCommits
from services.metrics.counters.counters import Counters
from services.metrics.counters.increments import Counter, CounterKey, Increment, applied
from services.metrics.errors import CounterOverflow, IngestQueueFull
from tests.metrics.recording.conftest import caller_of
from tests.platform.events import NOON

INSIDE = "people_inside"


@pytest.fixture
async def replicas(database):
    """Two processes' counters over one database."""
    commits = [CounterCommits(database) for _ in range(2)]
    yield [Counters(database, Venues(database), own) for own in commits]
    for own in commits:
        await own.stop()


@pytest.fixture
def counters(replicas):
    return replicas[0]


@pytest.fixture
def caller():
    return caller_of(uuid4())


def claim_of(caller, key, amount, name):
    request = counters_pb2.IncrementCounterRequest(
        venue_id=str(key.venue_id), counter_type=key.counter_type, increment=amount
    )
    return Claim.of(caller, "IncrementCounter", name, request)


def waiting(key, amount):
    """An increment without a caller."""
    return Increment(uuid4(), key, amount, None, lambda _: None, lambda _: None)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-(10**6), 10**6)), max_size=50), st.data())
def test_a_row_of_increments_adds_up_and_never_leaves_32_bits(steps, data):
    keys = [CounterKey(uuid4(), INSIDE) for _ in range(3)]
    start = st.sampled_from([0, 2**31 - 1, -(2**31), 2**31 - 10**6])
    counters = {key: Counter(data.draw(start), NOON) for key in keys}
    naive = {key: counter.value for key, counter in counters.items()}
    increments = [waiting(keys[place], amount) for place, amount in steps]

    found = applied(counters, increments, NOON + timedelta(hours=1))

    for increment in increments:
        total = naive[increment.key] + increment.amount
        if -(2**31) <= total < 2**31:
            naive[increment.key] = total
            assert found[increment].value == total
        else:
            assert isinstance(found[increment], CounterOverflow)
    assert {key: counter.value for key, counter in counters.items()} == naive


async def test_concurrent_increments_of_two_replicas_add_up(replicas, caller):
    chance = random.Random(5)
    keys = [CounterKey(uuid4(), name) for name in (INSIDE, "cars")]
    calls = [(chance.choice(keys), chance.choice([-3, -1, 1, 2, 50])) for _ in range(400)]

    answers = await asyncio.gather(
        *(replicas[place % 2].increment(caller, None, *call) for place, call in enumerate(calls))
    )

    for key in keys:
        added = [amount for own, amount in calls if own == key]
        values = [answer.value for answer, (own, _) in zip(answers, calls, strict=True) if own == key]
        assert (await replicas[0].read(caller.scope, key)).value == sum(added)
        assert sum(added) in values


async def test_each_caller_is_told_a_value_of_its_own(replicas, caller):
    key = CounterKey(uuid4(), INSIDE)

    answers = await asyncio.gather(
        *(replicas[place % 2].increment(caller, None, key, 1) for place in range(100))
    )

    assert sorted(answer.value for answer in answers) == list(range(1, 101))


async def test_repeated_idempotency_keys_count_once(replicas, caller):
    key = CounterKey(uuid4(), INSIDE)
    calls = [name for name in range(1, 61) for _ in range(3)]
    random.Random(3).shuffle(calls)

    async def add(place, name):
        while True:
            try:
                return await replicas[place % 2].increment(
                    caller, claim_of(caller, key, name, f"call-{name}"), key, name
                )
            except IdempotencyInFlight:
                await asyncio.sleep(0.01)  # what a caller does on ABORTED

    answers = await asyncio.gather(*(add(place, name) for place, name in enumerate(calls)))

    assert (await replicas[0].read(caller.scope, key)).value == sum(range(1, 61))
    told = {
        name: {answer.value for answer, own in zip(answers, calls, strict=True) if own == name}
        for name in calls
    }
    assert all(len(values) == 1 for values in told.values())


async def test_a_key_of_another_increment_is_refused(counters, caller):
    key = CounterKey(uuid4(), INSIDE)
    await counters.increment(caller, claim_of(caller, key, 1, "again"), key, 1)

    with pytest.raises(IdempotencyKeyReused):
        await counters.increment(caller, claim_of(caller, key, 2, "again"), key, 2)

    assert (await counters.read(caller.scope, key)).value == 1


async def test_an_increment_that_leaves_32_bits_adds_nothing(counters, caller, as_admin):
    key = CounterKey(uuid4(), INSIDE)
    await counters.increment(caller, None, key, 1)
    await as_admin.execute("update counters set value = 2147483646 where venue_id = $1", key.venue_id)

    outcomes = await asyncio.gather(
        *(counters.increment(caller, claim_of(caller, key, 2, str(n)), key, 2) for n in range(3)),
        counters.increment(caller, None, key, 1),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes[:3]] == [CounterOverflow] * 3
    assert outcomes[3].value == 2**31 - 1
    assert (await counters.read(caller.scope, key)).value == 2**31 - 1


async def test_zero_adds_nothing_and_makes_nothing(counters, caller, as_admin):
    key, other = (CounterKey(uuid4(), INSIDE) for _ in range(2))
    with pytest.raises(VenueNotFound):
        await counters.increment(caller, None, key, 0)
    first = await counters.increment(caller, None, key, 5)

    again = await counters.increment(caller, None, key, 0)
    unmade = await counters.increment(caller, None, key._replace(counter_type="cars"), 0)

    assert (again.value, again.updated_time) == (5, first.updated_time)
    assert (unmade.value, unmade.HasField("updated_time")) == (0, False)
    rows = await as_admin.fetchval(
        "select count(*) from counters where tenant_id = $1 and venue_id = any($2)",
        caller.tenant_id,
        [key.venue_id, other.venue_id],
    )
    assert rows == 1


async def test_zero_beside_the_increment_that_makes_a_counter_has_no_time(counters, caller):
    key = CounterKey(uuid4(), INSIDE)
    await counters.increment(caller, None, key._replace(counter_type="cars"), 1)
    await counters.read(caller.scope, key)  # the venue is remembered from now on: calls wait in their order

    zero, one = await asyncio.gather(*(counters.increment(caller, None, key, amount) for amount in (0, 1)))

    assert (zero.value, zero.HasField("updated_time")) == (0, False)
    assert (one.value, one.HasField("updated_time")) == (1, True)


async def test_a_counter_of_a_venue_outside_the_grant_is_not_there(counters):
    tenant = uuid4()
    key = CounterKey(uuid4(), INSIDE)
    await counters.increment(caller_of(tenant), None, key, 1)
    limited = caller_of(tenant, frozenset({uuid4()}))

    for amount in (0, 1):
        with pytest.raises(VenueNotFound):
            await counters.increment(limited, None, key, amount)
    with pytest.raises(VenueNotFound):
        await counters.read(limited.scope, key)


async def test_another_tenants_counter_is_not_there(counters, caller):
    key = CounterKey(uuid4(), INSIDE)
    await counters.increment(caller, None, key, 7)
    stranger = caller_of(uuid4())

    with pytest.raises(VenueNotFound):
        await counters.increment(stranger, None, key, 1)
    with pytest.raises(VenueNotFound):
        await counters.read(stranger.scope, key)
    assert (await counters.read(caller.scope, key)).value == 7


async def test_a_counter_nobody_added_to_is_0_without_a_time(counters, caller):
    key = CounterKey(uuid4(), INSIDE)
    await counters.increment(caller, None, key, 1)

    assert await counters.read(caller.scope, key._replace(counter_type="cars")) == Counter(0, None)
    with pytest.raises(VenueNotFound):
        await counters.read(TenantScope(caller.tenant_id), CounterKey(uuid4(), INSIDE))


async def test_more_increments_than_may_wait_are_refused(database, caller):
    commits = CounterCommits(database, most_waiting=5)
    counters = Counters(database, Venues(database), commits)
    key = CounterKey(uuid4(), INSIDE)
    await counters.increment(caller, None, key, 1)

    outcomes = await asyncio.gather(
        *(counters.increment(caller, None, key, 1) for _ in range(50)), return_exceptions=True
    )
    await commits.stop()

    refused = [outcome for outcome in outcomes if isinstance(outcome, IngestQueueFull)]
    assert refused
    assert all(error.retry_after for error in refused)
    assert (await counters.read(caller.scope, key)).value == 1 + len(outcomes) - len(refused)
    with pytest.raises(IngestQueueFull):
        await counters.increment(caller, None, key, 1)


async def test_stopping_writes_what_waits(database, caller):
    commits = CounterCommits(database, most_together=3)
    counters = Counters(database, Venues(database), commits)
    key = CounterKey(uuid4(), INSIDE)
    await counters.increment(caller, None, key, 1)
    await counters.read(caller.scope, key)  # the venue is remembered from now on: calls wait at once
    calls = [asyncio.ensure_future(counters.increment(caller, None, key, 1)) for _ in range(10)]
    await asyncio.sleep(0)

    await commits.stop()

    assert sorted(answer.value for answer in await asyncio.gather(*calls)) == list(range(2, 12))


async def test_callers_learn_that_the_database_is_away(database, caller):
    away = Database.connect("postgresql://nobody:x@127.0.0.1:1/none", application_name="tests")
    counters = Counters(database, Venues(database), CounterCommits(away))

    with pytest.raises(AnalyticsError) as refusal:
        await counters.increment(caller, None, CounterKey(uuid4(), INSIDE), 1)

    assert refusal.value.kind.is_transient
    await away.close()
