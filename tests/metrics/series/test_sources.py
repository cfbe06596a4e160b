"""One suite over both sources of buckets: PostgreSQL, and the replica with what it does not have yet."""

import math
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from libs.common.buckets import Window, bucket_edges
from libs.common.context import TenantScope
from libs.common.errors import DependencyUnavailable
from services.metrics.replication.influx import Influx
from services.metrics.replication.influxql import quoted
from services.metrics.replication.replica import Replica
from services.metrics.series.selection import Selection
from services.metrics.series.sources import (
    NotReplicated,
    PostgresBuckets,
    PreferReplica,
    ReplicatedBuckets,
)
from services.metrics.series.windows import split
from tests.metrics.replication.ground import new_tenant, open_ground, wipe

START = datetime(2026, 10, 20, tzinfo=UTC)
TYPE = "queue_length"
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC"]


@pytest.fixture(params=["postgres", "replica"])
def source_of(request):
    """Makes the source under test over a ground; the replica without any way out."""

    def make(ground):
        if request.param == "postgres":
            return PostgresBuckets(ground.database)
        return ReplicatedBuckets(ground.database, Replica(ground.database, ground.influx))

    return make


@pytest.fixture
async def ground(postgres_server, influx):
    async with open_ground(postgres_server, influx) as ground:
        yield ground


@pytest.fixture(scope="module")
async def three_weeks(postgres_server, influx):
    """Three weeks around the changes of clocks: most rows copied, late and own ones committed after that."""
    async with open_ground(postgres_server, influx) as ground:
        tenant, venue = new_tenant()
        gates = {gate: await ground.series(tenant, venue, gate=gate) for gate in ("north", "south")}
        replicator = ground.replicator(batch_rows=400)
        for seed, gate in enumerate(["north", "south"] * 4):
            await ground.write(tenant, gates[gate], scattered(400, seed=seed))
        await ground.level(replicator)
        for gate in gates.values():
            await ground.write(tenant, gate, scattered(100, seed=gate))
        yield ground, tenant, venue, gates


@pytest.fixture
async def season(three_weeks):
    """The three weeks, with what an idle replicator says every second."""
    ground, *_ = three_weeks
    await ground.admin.execute("update replication_streams set level_at = now()")
    return three_weeks


def scattered(count, *, seed):
    randomness = random.Random(seed)
    return [
        (START + timedelta(microseconds=randomness.randrange(21 * 86_400 * 10**6)), randomness.gauss(0, 1e3))
        for _ in range(count)
    ]


async def figures(source, selection, window, edges):
    return await source.buckets(TenantScope(selection.tenant_id), selection, split(window), edges)


def assert_equals_naive(answer, edges, window, rows):
    for start, end, bucket in zip(edges[:-1], edges[1:], answer, strict=True):
        inside = [(at, value) for at, value in rows if start <= at < end and window.start <= at < window.end]
        values = [value for _, value in inside]
        assert bucket.count == len(values)
        if values:
            assert bucket.sum == pytest.approx(math.fsum(values), rel=1e-9, abs=1e-7)
            assert (bucket.minimum, bucket.maximum) == (min(values), max(values))
            assert bucket.newest_time == max(at for at, _ in inside)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("granularity", ["hour", "day", "week", "month"])
async def test_buckets_equal_a_naive_count_of_copied_and_later_rows(season, source_of, zone, granularity):
    ground, tenant, venue, _ = season
    window = Window(
        datetime(2026, 10, 23, 7, 11, 13, 500, tzinfo=UTC),
        datetime(2026, 11, 6, 3, 59, 59, 999_999, tzinfo=UTC),
    )
    edges = bucket_edges(window, granularity, ZoneInfo(zone))

    answer = await figures(source_of(ground), Selection(tenant, venue, TYPE, {}), window, edges)

    assert_equals_naive(answer, edges, window, [row for rows in ground.written.values() for row in rows])


async def test_one_figure_over_a_ragged_window_of_one_dimension(season, source_of):
    ground, tenant, venue, gates = season
    window = Window(START + timedelta(hours=5, minutes=3), START + timedelta(days=9, minutes=31, seconds=1))
    edges = [window.start, window.end]

    selection = Selection(tenant, venue, TYPE, {"gate": "north"})
    answer = await figures(source_of(ground), selection, window, edges)

    assert_equals_naive(answer, edges, window, ground.written[gates["north"]])


async def test_a_row_that_comes_after_the_copy_is_in_the_next_answer_and_counts_once(ground, source_of):
    (tenant, venue), replicator, source = new_tenant(), ground.replicator(), source_of(ground)
    series = await ground.series(tenant, venue)
    window = Window(START, START + timedelta(days=1))
    edges = bucket_edges(window, "hour", ZoneInfo("UTC"))
    late = [START + timedelta(hours=3, minutes=minute) for minute in (1, 59, 1)]
    await ground.write(tenant, series, [(START + timedelta(hours=20), 1.0)])
    await ground.level(replicator)

    for value, at in enumerate(late):
        await ground.write(tenant, series, [(at, float(value))])
        for copies in (False, True):
            if copies:
                await ground.level(replicator)
            answer = await figures(source, Selection(tenant, venue, TYPE, {}), window, edges)
            assert_equals_naive(answer, edges, window, ground.written[series])


async def test_transactions_that_commit_out_of_order_are_in_every_answer_once(ground, source_of):
    (tenant, venue), replicator, source = new_tenant(), ground.replicator(), source_of(ground)
    series = await ground.series(tenant, venue)
    window = Window(START, START + timedelta(days=1))
    selection, edges = Selection(tenant, venue, TYPE, {}), [window.start, window.end]
    slow = await asyncpg.connect(ground.service.admin_url)
    early = slow.transaction()
    await early.start()
    await slow.execute(
        "insert into analytics_metrics (tenant_id, series_id, metric_time, value) values ($1, $2, $3, 5)",
        tenant,
        series,
        START + timedelta(hours=1),
    )
    await ground.write(tenant, series, [(START + timedelta(hours=2), 2.0)])
    await ground.level(replicator)

    before = await figures(source, selection, window, edges)
    await slow.execute(
        "insert into analytics_aggregations values ($1, $2, $3, 1, 1, 5, 5, 5, $3)",
        tenant,
        series,
        START + timedelta(hours=1),
    )
    await early.commit()
    after = await figures(source, selection, window, edges)
    await ground.level(replicator)
    copied = await figures(source, selection, window, edges)

    assert [(one.count, one.sum) for (one,) in (before, after, copied)] == [(1, 2.0), (2, 7.0), (2, 7.0)]
    await slow.close()


async def test_tenants_with_the_same_names_never_mix(ground, source_of):
    replicator = ground.replicator()
    window = Window(START, START + timedelta(days=1))
    edges = [window.start, window.end]
    owners = [new_tenant() for _ in range(3)]
    for number, (tenant, venue) in enumerate(owners, 1):
        series = await ground.series(tenant, venue)
        await ground.write(tenant, series, [(START + timedelta(hours=1), float(number))] * number)
    await ground.level(replicator)
    source = source_of(ground)

    totals = [(await figures(source, Selection(*owner, TYPE, {}), window, edges))[0].sum for owner in owners]
    crossed = await figures(source, Selection(owners[0][0], owners[1][1], TYPE, {}), window, edges)
    injected = Selection(*owners[0], "x' or \"tenant\" != '", {})

    assert totals == [1.0, 4.0, 9.0]
    assert crossed[0].count == 0
    assert (await figures(source, injected, window, edges))[0].count == 0


def test_text_cannot_leave_its_literal():
    assert quoted("a'b\\") == "'a\\'b\\\\'"


async def test_the_replica_is_not_asked_while_it_is_behind_mended_or_older_than_the_window(ground):
    (tenant, venue), replicator = new_tenant(), ground.replicator()
    series = await ground.series(tenant, venue)
    await ground.write(tenant, series, [(START + timedelta(hours=1), 1.0)])
    window = Window(START, START + timedelta(days=1))
    selection, edges = Selection(tenant, venue, TYPE, {}), [window.start, window.end]

    async def is_refused():
        source = ReplicatedBuckets(ground.database, Replica(ground.database, ground.influx))
        try:
            await figures(source, selection, window, edges)
        except NotReplicated:
            return True
        return False

    refusals = [await is_refused()]
    await ground.level(replicator)
    refusals.append(await is_refused())
    for damage in (
        "level_at = now() - interval '1 minute'",
        "waiting_rows = 100000",
        "covers_since = now()",
        "epoch = ''",
    ):
        kept = await ground.admin.fetchrow("select * from replication_streams where stream = 'recorded'")
        await ground.admin.execute(f"update replication_streams set {damage} where stream = 'recorded'")
        refusals.append(await is_refused())
        await ground.admin.execute(
            "update replication_streams set level_at = $1, waiting_rows = $2, covers_since = $3, epoch = $4"
            " where stream = 'recorded'",
            *(kept[name] for name in ("level_at", "waiting_rows", "covers_since", "epoch")),
        )

    assert refusals == [True, False, True, True, True, True]


async def test_points_that_were_replaced_while_the_question_was_asked_are_not_used(ground):
    """Mending between the replica's answer and the rows beside it."""
    (tenant, venue), replicator = new_tenant(), ground.replicator()
    series = await ground.series(tenant, venue)
    await ground.write(tenant, series, [(START + timedelta(hours=1), 1.0)])
    await ground.level(replicator)
    replica = Replica(ground.database, ground.influx)
    source = ReplicatedBuckets(ground.database, replica)
    window = Window(START, START + timedelta(days=1))
    selection, edges = Selection(tenant, venue, TYPE, {}), [window.start, window.end]
    await replica.standing()
    await ground.admin.execute("update replication_streams set revision = revision + 1")

    with pytest.raises(NotReplicated):
        await figures(source, selection, window, edges)


async def test_an_influxdb_that_is_gone_or_emptied_costs_no_caller_an_error(ground):
    (tenant, venue), replicator = new_tenant(), ground.replicator()
    series = await ground.series(tenant, venue)
    await ground.write(tenant, series, [(START + timedelta(hours=1), 1.0)])
    await ground.level(replicator)
    window = Window(START, START + timedelta(days=1))
    selection, edges = Selection(tenant, venue, TYPE, {}), [window.start, window.end]
    unreachable = Influx("http://127.0.0.1:9", token=None, org="tests", read_seconds=0.5)
    answers = []

    for influx, emptied in ((unreachable, False), (ground.influx, True)):
        if emptied:
            wipe(ground.server)
        replica = Replica(ground.database, influx)
        replicated = ReplicatedBuckets(ground.database, replica)
        with pytest.raises(DependencyUnavailable):
            await figures(replicated, selection, window, edges)
        preferring = PreferReplica(replicated, PostgresBuckets(ground.database), replica)
        answers += await figures(preferring, selection, window, edges)

    assert [one.sum for one in answers] == [1.0, 1.0]
    await unreachable.close()
