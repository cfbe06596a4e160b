"""The service as a process: InfluxDB goes, comes back empty, and the process is killed while it copies."""

import asyncio
import shutil
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.metrics.replication.reconciliation import days
from tests.metrics.process import MetricsProcess
from tests.metrics.series.asking import list_request, metric, record

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=2)


@pytest.fixture
def process(ground, redis_url, mongo_url, influx, tmp_path):
    process = MetricsProcess(
        tmp_path,
        ground.service,
        redis_url=redis_url,
        mongo_url=mongo_url,
        influx_url=influx.url,
        replication_poll_seconds=0.1,
        replication_batch_rows=200,
    ).start()
    yield process
    process.stop()


async def eventually(condition, *, within_seconds=60):
    give_up_at = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.1)


def copied_values(ground):
    """Every copied value; none while InfluxDB or its bucket is not there."""
    try:
        return Counter(value for values in ground.copied().values() for value in values)
    except AssertionError:
        return Counter()


async def differences(ground):
    windows = days(HOUR, HOUR + timedelta(days=1))
    return [one async for _, found in ground.reconciliation().compare(windows) for one in found.differences]


async def test_an_outage_and_an_empty_disk_cost_no_caller_an_error_and_heal_by_themselves(
    ground, process, influx
):
    tenant, venue = uuid4(), uuid4()
    written, is_over = [], asyncio.Event()
    request = list_request(venue, HOUR, HOUR + timedelta(days=1), granularity="hour")

    async def writes_and_reads(client):
        """Writes, and reads its own writes each time; any refusal would end it."""
        while not is_over.is_set():
            rows = [
                metric(venue, HOUR + timedelta(minutes=n % 1440), float(len(written) + n)) for n in range(50)
            ]
            await record(client, rows)
            written.extend(row.value for row in rows)
            answer = await client.metrics.ListMetrics(request, metadata=client.metadata)
            assert sum(bucket.count for bucket in answer.buckets) == len(written)
            await asyncio.sleep(0.02)

    async with process.client(tenant) as client:
        load = asyncio.create_task(writes_and_reads(client))
        await eventually(lambda: sum(copied_values(ground).values()) > 100)
        influx.stop()
        try:
            at_stop = len(written)
            await eventually(lambda: len(written) > at_stop + 500 or load.done())
            for part in ("data", "meta", "wal"):
                shutil.rmtree(influx.folder / part)
        finally:
            influx.start()
        await eventually(lambda: sum(copied_values(ground).values()) > at_stop or load.done())
        is_over.set()
        await load
        await eventually(lambda: sum(copied_values(ground).values()) >= len(written))

    assert copied_values(ground) == Counter(written)
    assert await differences(ground) == []


async def test_a_process_killed_while_it_copies_loses_and_doubles_nothing(ground, process):
    tenant, venue = uuid4(), uuid4()
    values = [float(n) for n in range(20_000)]
    rows = [metric(venue, HOUR + timedelta(seconds=n % 86_400), value) for n, value in enumerate(values)]
    async with process.client(tenant) as client:
        await asyncio.gather(*(record(client, rows[start : start + 100]) for start in range(0, 20_000, 100)))

    for share in (0.1, 0.4, 0.7):
        await eventually(lambda share=share: sum(copied_values(ground).values()) > share * len(values))
        process.kill()
        process.start()
    await eventually(lambda: sum(copied_values(ground).values()) >= len(values))

    assert copied_values(ground) == Counter(values)
    counts = ground.copied("quarter_hours", "count")
    assert sum(sum(of_series) for of_series in counts.values()) == len(values)
    assert await differences(ground) == []
