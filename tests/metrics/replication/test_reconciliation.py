"""The daily proof, and mending while rows keep coming."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.metrics.replication import gauges
from services.metrics.replication.jobs import SCHEDULES, jobs_of
from services.metrics.replication.reconciliation import days, months
from services.metrics.replication.tallies import NothingCopied
from tests.metrics.replication.ground import new_tenant
from tests.metrics.replication.test_replicator import assert_copied_exactly, scattered

DAY = datetime(2026, 11, 3, tzinfo=UTC)
UNTIL = DAY + timedelta(days=5)


async def test_a_night_mends_what_differs_and_tells_how_much(ground):
    (tenant, venue), replicator = new_tenant(), ground.replicator()
    series = await ground.series(tenant, venue)
    await ground.write(tenant, series, scattered(500, seed=1))
    await ground.level(replicator)
    ground.ask("delete from quarter_hours where time < '2026-11-05T00:00:00Z'")

    found = await ground.reconciliation().run(DAY, UNTIL)
    told = gauges.DIFFERENCES.collect()[0].samples[0].value
    again = await ground.reconciliation().run(DAY, UNTIL)

    assert found == told == 2
    assert again == 0
    await assert_copied_exactly(ground)


async def test_before_anything_was_copied_there_is_nothing_to_compare(ground):
    with pytest.raises(NothingCopied):
        await ground.reconciliation().run(DAY, UNTIL)

    (job,) = jobs_of(ground.reconciliation())
    assert [schedule.job for schedule in SCHEDULES] == [job.name]
    await job.body(None)


async def test_mending_while_rows_are_written_and_copied_loses_and_doubles_nothing(ground):
    (tenant, venue), replicator = new_tenant(), ground.replicator(batch_rows=40)
    series = await ground.series(tenant, venue)
    await ground.write(tenant, series, scattered(300, seed=1))
    await ground.level(replicator)
    copying = asyncio.create_task(replicator.run())

    for seed in range(2, 8):
        await ground.write(tenant, series, scattered(60, seed=seed))
        ground.ask("delete from points where time < '2026-11-05T00:00:00Z'")
        await ground.reconciliation().run(DAY, UNTIL)
    replicator.stop()
    await copying
    await ground.level(ground.replicator())

    assert await ground.reconciliation().run(DAY, UNTIL) == 0
    await assert_copied_exactly(ground)


def test_days_and_months_cover_both_ends():
    since, until = datetime(2026, 10, 30, 7, tzinfo=UTC), datetime(2026, 11, 1, 0, tzinfo=UTC)

    assert [window.start.day for window in days(since, until)] == [30, 31, 1]
    assert [window.start.month for window in months(since, until)] == [10, 11]
