"""Copying committed rows: none missed, none twice, whatever happens between two of them."""

import math
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from libs.common.context import TenantScope
from services.metrics.daily.facts import DailyFact
from services.metrics.replication import recording, store
from services.metrics.replication.replica import Replica
from services.metrics.replication.streams import RECORDED
from tests.metrics.replication.ground import new_tenant, wipe

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


def scattered(count, *, seed, days=3.0):
    randomness = random.Random(seed)
    return [
        (NOON + timedelta(microseconds=randomness.randrange(int(days * 86_400e6))), randomness.uniform(-9, 9))
        for _ in range(count)
    ]


async def assert_copied_exactly(ground):
    copied, quarters = ground.copied(), ground.copied("quarter_hours", "count")
    for series, rows in ground.written.items():
        assert Counter(copied.get(series, [])) == Counter(value for _, value in rows)
        assert sum(quarters.get(series, [])) == len(rows)


async def test_rows_are_copied_once_in_batches_of_whole_transactions(ground):
    (tenant, venue), replicator = new_tenant(), ground.replicator(batch_rows=100)
    north, south = await ground.series(tenant, venue, gate="north"), await ground.series(tenant, venue)
    for seed in range(10):
        await ground.write(tenant, north, scattered(70, seed=seed))
        await ground.write(tenant, south, scattered(30, seed=-seed))

    total = await ground.level(replicator)

    assert total == 1000
    await assert_copied_exactly(ground)
    assert await ground.level(replicator) == 0


async def test_equal_instants_of_one_series_stay_apart_within_and_across_batches(ground):
    """Thousands of values of one microsecond: more than the three digits below it can number."""
    (tenant, venue), replicator = new_tenant(), ground.replicator()
    series = await ground.series(tenant, venue)
    await ground.write(tenant, series, [(NOON, float(n)) for n in range(2500)])
    await ground.level(replicator)
    await ground.write(tenant, series, [(NOON, float(n)) for n in range(2500, 4000)])

    await ground.level(replicator)

    await assert_copied_exactly(ground)
    assert {one["tags"]["part"] for one in ground.ask('select "value" from "points" group by "part"')} == {
        "",
        "1",
        "2",
        "3",
    }


@pytest.mark.parametrize("value", [0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1, 123456789012345680.0])
async def test_a_double_arrives_as_it_is(ground, value):
    tenant, venue = new_tenant()
    series = await ground.series(tenant, venue)
    await ground.write(tenant, series, [(NOON, value)])

    await ground.level(ground.replicator())

    (copied,) = ground.copied()[series]
    assert float(copied) == value


async def test_sums_beyond_a_double_stop_nobody_elses_rows(ground):
    (tenant, venue), (other, its_venue) = new_tenant(), new_tenant()
    huge, plain = await ground.series(tenant, venue), await ground.series(other, its_venue)
    await ground.admin.execute(
        "insert into analytics_metrics (tenant_id, series_id, metric_time, value) values"
        " ($1, $2, $3, 1.7e308), ($1, $2, $3, 1.7e308)",
        tenant,
        huge,
        NOON,
    )
    await ground.write(other, plain, [(NOON, 1.0)])

    await ground.level(ground.replicator())

    assert ground.copied()[plain] == [1]
    assert all(math.isfinite(total) for total in ground.copied("quarter_hours", "sum")[huge])


async def test_a_batch_that_was_written_but_not_passed_is_repeated_without_effect(ground):
    (tenant, venue), replicator = new_tenant(), ground.replicator()
    series = await ground.series(tenant, venue)
    await ground.write(tenant, series, scattered(500, seed=1))
    await replicator.step(replicator.streams[0])
    await ground.admin.execute(
        "update replication_streams set planned_before = '1000000000', batch_number = batch_number + 1"
        " where stream = 'recorded'"
    )
    async with ground.worker.infrastructure() as conn:
        planned, _ = await store.select_position(conn, RECORDED)
    await replicator.streams[0].copy(planned)

    await replicator.step(replicator.streams[0])

    await assert_copied_exactly(ground)


async def test_transactions_that_commit_out_of_order_are_copied_all(ground):
    """A tail by id or time would skip the first one, which commits last."""
    (tenant, venue), replicator = new_tenant(), ground.replicator()
    series = await ground.series(tenant, venue)
    slow, quick = [await asyncpg.connect(ground.service.admin_url) for _ in range(2)]
    early = slow.transaction()
    await early.start()
    await ground.write(tenant, series, [(NOON, 1.0)], slow)
    other = await ground.series(tenant, venue, gate="north")
    await ground.write(tenant, other, [(NOON, 2.0)], quick)

    await ground.level(replicator)
    waiting = ground.copied() if ground.ask("show measurements") else {}
    await early.commit()
    await ground.level(replicator)

    assert waiting.get(series) is None
    await assert_copied_exactly(ground)
    for connection in (slow, quick):
        await connection.close()


async def test_only_one_process_copies_and_another_takes_over_when_it_stops(ground):
    (tenant, venue), first, second = new_tenant(), ground.replicator(), ground.replicator()
    series = await ground.series(tenant, venue)
    await ground.level(first)
    await ground.write(tenant, series, scattered(10, seed=2))

    beside = await second.step(second.streams[0])
    await first.release()
    total = await ground.level(second)

    assert not beside.is_holder
    assert total == 10
    await assert_copied_exactly(ground)


async def test_an_emptied_influxdb_is_filled_again_by_itself(ground):
    (tenant, venue), replicator = new_tenant(), ground.replicator(batch_rows=50)
    series = await ground.series(tenant, venue)
    await ground.write(tenant, series, scattered(300, seed=3))
    await ground.level(replicator)
    wipe(ground.server)
    successor = ground.replicator()
    await replicator.release()

    await ground.level(successor)

    await assert_copied_exactly(ground)


async def test_a_second_filling_leaves_no_quarter_hour_of_the_first(ground):
    (tenant, venue), replicator = new_tenant(), ground.replicator(batch_rows=50)
    series = await ground.series(tenant, venue)
    for seed in range(4):
        await ground.write(tenant, series, scattered(50, seed=seed))
    await ground.level(replicator)
    await ground.admin.execute("update replication_streams set epoch = '' where stream = 'recorded'")
    await replicator.release()

    await ground.level(ground.replicator())

    await assert_copied_exactly(ground)
    assert len(ground.ask('select count("count") from "quarter_hours" group by "epoch"')) == 1


async def test_a_position_of_another_server_is_not_believed(ground):
    """After a dump is restored elsewhere, new transactions have smaller numbers than copied ones had."""
    (tenant, venue), replicator = new_tenant(), ground.replicator()
    series = await ground.series(tenant, venue)
    await ground.write(tenant, series, scattered(20, seed=1))
    await ground.level(replicator)
    await replicator.release()
    await ground.admin.execute("update replication_streams set replicated_before = '1000000000'")
    await ground.write(tenant, series, scattered(20, seed=2))
    standing = await Replica(ground.database, ground.influx).standing()

    await ground.level(ground.replicator())

    assert standing is None
    await assert_copied_exactly(ground)


async def test_platform_series_are_copied_as_they_stand_however_often_they_changed(ground):
    (tenant, venue), replicator = new_tenant(), ground.replicator()
    show = uuid4()
    facts = [
        DailyFact(venue, show, NOON, "EUR", {"order_count": 1, "ticket_count": 2, "gross_minor": 5000}),
        DailyFact(venue, show, NOON + timedelta(minutes=20), "EUR", {"order_count": 1, "gross_minor": 700}),
        DailyFact(venue, show, NOON, "", {"scanned_count": 3}),
        DailyFact(venue, None, NOON, "", {"page_view_count": 4, "unheard_of_count": 9}),
    ]
    async with ground.database.transaction(TenantScope(tenant)) as conn:
        await recording.record(conn, tenant, facts)
    await ground.level(replicator)
    taken_out = DailyFact(venue, show, NOON, "EUR", {"order_count": -1, "gross_minor": -5000})
    async with ground.database.transaction(TenantScope(tenant)) as conn:
        await recording.record(conn, tenant, [taken_out])

    await ground.level(replicator)

    sales = ground.ask('select "value" from "sales_velocity" group by *', "sales_velocity")
    found = {one["tags"]["type"]: [value for _, value in one["values"]] for one in sales}
    assert found == {"order_count": [0, 1], "ticket_count": [2], "gross_minor": [0, 700]}
    assert {one["tags"]["currency"] for one in sales} == {"", "EUR"}
    assert {one["tags"]["tenant"] for one in sales} == {str(tenant)}
    (views,) = ground.ask('select "value" from "user_actions" group by *', "user_actions")
    assert (views["tags"]["type"], views["values"][0][1]) == ("page_view_count", 4)
    (scans,) = ground.ask('select "value" from "event_metrics" group by *', "event_metrics")
    assert scans["values"] == [[int(NOON.timestamp()) * 10**9, 3]]
