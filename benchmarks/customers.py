"""Scores and lifetime values of all customers of a tenant: what they take, and what callers feel of it.

Yardsticks are PostgreSQL's window functions alone, and BG/NBD fitted the plain way to the same customers.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from benchmarks.customers_processes import (
    Memory,
    ProfileCalls,
    environment_of,
    percentile,
    running_service,
)
from benchmarks.customers_world import DAYS, World, simulated
from benchmarks.mesh import Mesh
from benchmarks.reference_fit import histories
from benchmarks.report import Result
from libs.common.bus.consumer import service_caller
from libs.common.cache.cache import Cache
from libs.common.context import TenantScope, acting_as
from libs.common.jobs.queue import enqueue
from libs.common.postgres.database import Database
from libs.common.redis import connect
from services.customers.lifetime.bg_nbd import BG_NBD
from services.customers.lifetime.fitting import fitted
from services.customers.lifetime.runs import LifetimeRuns, RunOptions
from services.customers.lifetime.schedule import FIT_JOB, fit_schedule
from services.customers.lifetime.summaries import Summaries
from services.customers.rfm.runs import ScoringRuns
from services.customers.rfm.schedule import SCORING_JOB, grant_of
from services.customers.segments.members import Members

NAME = "customers"
_VENUES = 1
_NIGHTS = 2
_IDLE_SECONDS = 20

# The yardstick has the figures of every customer ready in a table: it reads no sales and writes nothing.
_MEASURE = """
create temporary table measures as
select customer_id, max(sold_at) as last_at, count(*) as order_count, sum(spend_minor)::bigint as spend_minor
  from purchases
 where tenant_id = $1
 group by customer_id
"""
_WINDOWS = """
select sum(r + f + m)
  from (select percent_rank() over (order by last_at) as r,
               percent_rank() over (order by order_count) as f,
               percent_rank() over (order by spend_minor) as m
          from measures) as ranked
"""
_SUMMED_WINDOWS = """
select sum(r + f + m)
  from (select percent_rank() over (order by max(sold_at)) as r,
               percent_rank() over (order by count(*)) as f,
               percent_rank() over (order by sum(spend_minor)::bigint) as m
          from purchases
         where tenant_id = $1
         group by customer_id) as ranked
"""
_FINISHED = "select state from job_runs where tenant_id = $1 and job = $2 and finished_at is not null"
_VIEWS = """
refresh materialized view materialized.customer_360_materialized;
refresh materialized view materialized.user_dashboard_materialized
"""


@dataclass(frozen=True, slots=True)
class Windows:
    """Seconds of the three window functions, over ready figures and over figures that have to be summed."""

    ready: float
    summed: float


async def run(mesh: Mesh) -> Sequence[Result]:
    mesh.stack.prepare_database("customers")
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    world = simulated(mesh.customer_count, _VENUES, end)
    admin = await asyncpg.connect(
        mesh.stack.stores.postgres_admin_url.rpartition("/")[0] + "/customers", command_timeout=3600
    )
    try:
        async with _engines(mesh) as (database, cache):
            return [
                *await _scores(admin, world, database, cache),
                *await _values(world, database, cache),
                *await _callers(mesh, admin, world, database),
            ]
    finally:
        await admin.close()


async def _scores(admin: Any, world: World, database: Database, cache: Cache) -> list[Result]:
    """A first run, those of the nights after it, with a day's purchases new to each, and a recount."""
    runs = ScoringRuns(database, cache, Members(), window_days=365)

    async def seconds(as_of: datetime) -> float:
        with acting_as(service_caller("customers", world.tenant_id)):
            started = time.perf_counter()
            await runs.run(TenantScope(world.tenant_id), as_of=as_of)
            return time.perf_counter() - started

    took = []
    await world.load(admin, 0, DAYS - _NIGHTS)
    for night in range(_NIGHTS + 1):
        if night:
            await world.load(admin, DAYS - _NIGHTS + night - 1, DAYS - _NIGHTS + night)
        await admin.execute("vacuum (analyze) purchases")
        took.append(await seconds(datetime.now(UTC) - timedelta(days=_NIGHTS - night)))
    first, *nights = took
    await admin.execute("update rfm_runs set counted_at = null where tenant_id = $1", world.tenant_id)
    recount = await seconds(datetime.now(UTC))
    windows = await _windows(admin, world)
    name = f"RFM of {world.customer_count:,} customers with {len(world.days):,} orders"
    ready = f"{windows.ready:.2f} s for three window functions over their figures"
    summed = f"{windows.summed:.2f} s for three window functions and the sums they need"

    def result(when: str, found: float, yardstick: str, of: float, demand: float | None) -> Result:
        return Result(f"{name}, {when}", f"{found:.2f} s", yardstick, found / of, demand, at_most=True)

    return [
        result("every night", min(nights), ready, windows.ready, 2.0),
        result("everyone counted, every seventh night", recount, ready, windows.ready, None),
        result("everyone counted, every seventh night", recount, summed, windows.summed, None),
        result("the first time, all rows written twice", first, ready, windows.ready, None),
    ]


async def _windows(admin: Any, world: World) -> Windows:
    """The least of three each, with the memory that a run has."""
    await admin.execute("set work_mem = '256MB'")
    await admin.execute(_MEASURE, world.tenant_id)
    await admin.execute("analyze measures")
    ready, summed = [], []
    for _ in range(3):
        started = time.perf_counter()
        await admin.fetchval(_WINDOWS)
        ready.append(time.perf_counter() - started)
        started = time.perf_counter()
        await admin.fetchval(_SUMMED_WINDOWS, world.tenant_id)
        summed.append(time.perf_counter() - started)
    await admin.execute("reset work_mem")
    return Windows(min(ready), min(summed))


async def _values(world: World, database: Database, cache: Cache) -> list[Result]:
    """One fit beside the same fit made otherwise, and a whole run beside the plain fit alone."""
    seen = histories(world.customers, world.days, DAYS)
    reference = await _reference(seen)
    summaries = Summaries(seen["x"], seen["t_x"], seen["age"], seen["x"] * 0 + 1)
    started = time.perf_counter()
    estimate = await asyncio.to_thread(fitted, BG_NBD, summaries)
    fit_seconds = time.perf_counter() - started
    best = max(reference["simplex"]["log_likelihood"], reference["gradient"]["log_likelihood"])
    assert estimate.log_likelihood > best - 0.01, (estimate.log_likelihood, best)
    with acting_as(service_caller("customers", world.tenant_id)):
        started = time.perf_counter()
        report = await LifetimeRuns(database, cache, RunOptions()).run(
            TenantScope(world.tenant_id), as_of=datetime.now(UTC)
        )
        run_seconds = time.perf_counter() - started
    gradient, simplex = reference["gradient"]["seconds"], reference["simplex"]["seconds"]
    return [
        Result(
            f"BG/NBD fit to {world.customer_count:,} customers",
            f"{fit_seconds:.1f} s",
            f"{gradient:.1f} s for the plain fit with derivatives",
            fit_seconds / gradient,
            1.0,
            at_most=True,
        ),
        Result(
            f"lifetime value of {world.customer_count:,} customers, read, fitted, chosen and written",
            f"{run_seconds:.1f} s for {report.row_count:,} rows",
            f"{simplex:.1f} s for the plain fit alone, by a simplex",
            run_seconds / simplex,
            1.0,
            at_most=True,
        ),
    ]


async def _reference(seen: "dict[str, Any]") -> dict[str, Any]:
    """The plain fits, in a process of their own and with one thread, as ours have."""
    import numpy as np

    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, **seen)
        file.flush()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.reference_fit", file.name, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await process.communicate()
    assert process.returncode == 0, process.returncode
    found: dict[str, Any] = json.loads(printed)
    return found


async def _callers(mesh: Mesh, admin: Any, world: World, database: Database) -> list[Result]:
    """What callers of GetCustomerProfile wait while another process scores and fits."""
    await admin.execute(_VIEWS)
    with running_service(mesh) as (port, worker):
        calls, memory = ProfileCalls(mesh, port, world), Memory(worker)
        async with calls.going_on():
            await asyncio.sleep(2)
        async with calls.going_on() as idle:
            await asyncio.sleep(_IDLE_SECONDS)
        watching = asyncio.create_task(memory.watch())
        results = []
        for job, grant in (
            (SCORING_JOB, grant_of(world.tenant_id)),
            (FIT_JOB, fit_schedule(world.tenant_id).grant),
        ):
            async with database.transaction(grant.scope) as conn:
                await enqueue(conn, job, run_key="benchmark", grant=grant, due_at=datetime.now(UTC))
            started = time.perf_counter()
            async with calls.going_on() as busy:
                await _finished(admin, world, job)
            results.append(
                Result(
                    f"GetCustomerProfile p99 during {job}, {len(busy)} calls in "
                    f"{time.perf_counter() - started:.0f} s",
                    f"{percentile(busy, 0.99):.1f} ms",
                    f"{percentile(idle, 0.99):.1f} ms while nothing runs",
                    percentile(busy, 0.99) / percentile(idle, 0.99),
                    None,
                )
            )
        watching.cancel()
    print(f"    peak memory: {memory.own} MiB of the process that works, {memory.child} MiB of its child")
    return results


async def _finished(admin: Any, world: World, job: str) -> None:
    """Wait until the job is over, which its row tells."""
    state = None
    while state is None:
        await asyncio.sleep(0.1)
        state = await admin.fetchval(_FINISHED, world.tenant_id, job)
    assert state == "succeeded", state


@asynccontextmanager
async def _engines(mesh: Mesh) -> AsyncIterator[tuple[Database, Cache]]:
    environment = environment_of(mesh)
    database = Database.connect(environment["CUSTOMERS_DATABASE_URL"], application_name="benchmark")
    client = connect(environment["CUSTOMERS_REDIS_URL"])
    try:
        yield database, Cache(client, service="customers", key=b"k" * 32)
    finally:
        await client.aclose()
        await database.close()
