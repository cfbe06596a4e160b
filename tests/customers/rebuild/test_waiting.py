"""What computes from whole read models waits until a rebuild has made them whole again."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from libs.common.jobs.queue import JobQueue
from services.customers.cohorts.reader import CohortReader
from services.customers.errors import RebuildInProgress
from services.customers.insights.gathering import Gathering
from services.customers.insights.refreshing import Refreshing
from services.customers.lifetime.runs import LifetimeRuns, RunOptions
from services.customers.read_models.consumer import QUEUE
from services.customers.read_models.locks import lock_alone
from services.customers.rebuild import store
from services.customers.rfm.jobs import jobs_of
from services.customers.rfm.schedule import SCORING_JOB
from services.customers.wholeness import require_whole
from tests.customers.people.shoppers import bought, record
from tests.customers.rebuild.test_rebuilding import run_command
from tests.platform import events as make

NOW = datetime.now(UTC)


class Town:
    """A venue whose guests have bought several times until lately."""

    def __init__(self):
        self.tenant, self.venue = uuid4(), uuid4()
        self.people = [uuid4() for _ in range(12)]
        self.scope = TenantScope(self.tenant)
        self.told = [make.venue_updated(self.tenant, self.venue)]
        for place, person in enumerate(self.people):
            for visit in range(1 + place % 4):
                at = NOW - timedelta(days=3 + 20 * visit + place)
                self.told.append(bought(self.tenant, self.venue, person, at=at))

    def buys(self, person):
        return bought(self.tenant, self.venue, person, at=NOW - timedelta(hours=1))


@pytest.fixture
async def town(handler, keep, scoring_runs):
    made = Town()
    await record(handler, made.told)
    await keep(made.told)
    with acting_as(service_caller("customers", made.tenant)):
        await scoring_runs.run(made.scope, as_of=NOW)
    return made


@pytest.fixture
async def half_rebuilt(town, handler, database):
    """The town while its rebuild has emptied everything and has applied every second event."""
    async with database.transaction(town.scope) as conn:
        await lock_alone(conn, town.tenant)
        await store.expect(conn, town.tenant, QUEUE, facts=True)
        await store.empty(conn, town.tenant, QUEUE)
        await store.begin(conn, town.tenant, datetime.now(UTC))
    await record(handler, town.told[::2])
    return town


async def moves_of(as_admin, town):
    return await as_admin.fetch(
        "select venue_id, customer_id, from_segment, to_segment from segment_moves where tenant_id = $1",
        town.tenant,
    )


async def waiting(as_admin, town):
    rows = await as_admin.fetch(
        "select customer_id from rfm_pending where tenant_id = $1 and venue_id = $2", town.tenant, town.venue
    )
    return {row["customer_id"] for row in rows}


async def test_who_buys_during_a_rebuild_is_scored_after_it(
    half_rebuilt, handler, keep, rebuild, as_admin, worker_database, scoring_runs, rescoring
):
    town, often = half_rebuilt, half_rebuilt.people[3]
    before = await moves_of(as_admin, town)
    order = town.buys(often)

    await record(handler, [order])

    assert often in await waiting(as_admin, town)
    assert await moves_of(as_admin, town) == before

    await keep([order])
    with acting_as(service_caller("customers", town.tenant)):
        _ = [step async for step in rebuild.run(town.scope)]
    queue, now = JobQueue(worker_database), datetime.now(UTC)
    runs = await queue.claim([SCORING_JOB], limit=1_000, lease=timedelta(seconds=30), now=now)
    [job] = jobs_of(scoring_runs, rescoring)
    [own] = [run for run in runs if run.tenant_id == town.tenant and run.run_key != "first"]
    with acting_as(service_caller("customers", town.tenant)):
        await job.body(own)

    assert await waiting(as_admin, town) == set()
    scores = await as_admin.fetchrow(
        "select order_count from customer_rfm_scores"
        " where tenant_id = $1 and venue_id = $2 and customer_id = $3",
        town.tenant,
        town.venue,
        often,
    )
    assert scores["order_count"] == 5
    assert not [move for move in await moves_of(as_admin, town) if move["to_segment"] is None]


async def test_no_run_reads_half_of_the_purchases(half_rebuilt, database, venues, cache, scoring_runs):
    town = half_rebuilt
    fitting = LifetimeRuns(database, cache, RunOptions())
    refreshing = Refreshing(database, venues, Gathering(database, CohortReader(database)), cache)

    with acting_as(service_caller("customers", town.tenant)):
        for run in (
            scoring_runs.run(town.scope, as_of=NOW),
            fitting.run(town.scope),
            refreshing.refresh(town.scope, town.venue),
        ):
            with pytest.raises(RebuildInProgress) as refused:
                await run
            assert refused.value.kind.is_transient, "a job tries again"


async def test_a_run_holds_off_the_emptying_of_what_it_reads(town, database, rebuild):
    began, may_end = asyncio.Event(), asyncio.Event()

    async def hold():
        async with database.transaction(town.scope) as conn:
            await require_whole(conn, town.tenant)
            began.set()
            await may_end.wait()
            return await conn.fetchval("select count(*) from purchases where tenant_id = $1", town.tenant)

    holding = asyncio.create_task(hold())
    await began.wait()
    with acting_as(service_caller("customers", town.tenant)):
        rebuilding = asyncio.create_task(_whole(rebuild, town))
        await _until_someone_waits(database, town)
        may_end.set()
        assert await holding == len(town.told) - 1
        await rebuilding


async def _whole(rebuild, town):
    return [step async for step in rebuild.run(town.scope)]


async def _until_someone_waits(database, town):
    for _ in range(200):
        async with database.transaction(town.scope) as conn:
            if await conn.fetchval(
                "select exists (select from pg_locks where locktype = 'advisory' and not granted)"
            ):
                return
        await asyncio.sleep(0.05)
    raise AssertionError("the rebuild did not wait")


@pytest.mark.parametrize("command", ["score", "fit"])
async def test_commands_say_that_a_rebuild_is_in_progress(half_rebuilt, replica, command):
    told = await asyncio.to_thread(run_command, replica, command, "--tenant", str(half_rebuilt.tenant))

    assert told.returncode == 1
    assert f"tenant {half_rebuilt.tenant}: the read models of the tenant are being rebuilt" in told.stderr
    assert "Traceback" not in told.stderr
