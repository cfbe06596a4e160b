"""Group commit: a bounded queue, and failures that stay with the call that caused them."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from tickettoken.metrics.v1 import recording_pb2

from services.metrics.errors import IngestQueueFull
from tests.metrics.recording.conftest import caller_of, open_recording, row, single
from tests.servers.databases import ServiceDatabase
from tests.servers.waiting import eventually


async def test_a_full_queue_refuses_with_a_time_to_retry_and_stores_nothing(
    metrics_database: ServiceDatabase,
):
    tenant = uuid4()
    async with open_recording(metrics_database, queue_rows=10, start=False) as recording:
        call = recording.recorder.record_many(caller_of(tenant), None, [row() for _ in range(8)])
        waiting = asyncio.create_task(call)
        await eventually(lambda: recording.commits.waiting_rows)

        with pytest.raises(IngestQueueFull) as refusal:
            await recording.recorder.record_many(caller_of(tenant), None, [row() for _ in range(3)])
        recording.commits.start()
        accepted = await waiting

        assert refusal.value.retry_after is not None
        assert accepted.accepted_count == 8
        assert len(await recording.raw(tenant)) == 8


async def test_batches_of_a_stream_that_arrive_together_wait_for_a_full_queue(
    metrics_database: ServiceDatabase,
):
    tenant = uuid4()
    made = "select count(*) from metric_series where tenant_id = $1"
    async with open_recording(metrics_database, lanes=1, queue_rows=10, start=False) as recording:
        batches = [
            recording_pb2.StreamMetricsRequest(sequence=sequence, metrics=[row() for _ in range(8)])
            for sequence in range(1, 6)
        ]
        writing = [
            asyncio.create_task(recording.recorder.record_batch(caller_of(tenant), batch))
            for batch in batches
        ]
        async with asyncio.timeout(10):
            while await recording.admin.fetchval(made, tenant) < 40:  # noqa: ASYNC110 - it lives in PostgreSQL
                await asyncio.sleep(0.05)
        recording.commits.start()
        acknowledged = await asyncio.gather(*writing)

        assert [one.accepted_count for one in acknowledged] == [8] * 5
        assert len(await recording.raw(tenant)) == 40


async def test_one_calls_failure_in_the_database_fails_no_other_call(metrics_database: ServiceDatabase):
    """A partition that is missing makes the database refuse rows that every rule accepts."""
    good, poisoned, neighbour = uuid4(), uuid4(), uuid4()
    async with open_recording(metrics_database, lanes=1, start=False) as recording:
        month = datetime.now(UTC).replace(day=1) - timedelta(days=200)
        name = f"analytics_metrics_p{month:%Y%m}"
        await recording.admin.execute(f"alter table analytics_metrics detach partition {name}")
        try:
            calls = [
                asyncio.create_task(
                    recording.recorder.record_many(caller_of(tenant), None, [row(at=at), row(at=at)])
                )
                for tenant, at in (
                    (good, None),
                    (poisoned, None),
                    (poisoned, month.replace(day=10)),
                    (poisoned, None),
                    (neighbour, None),
                )
            ]
            await eventually(lambda: recording.commits.waiting_rows == 10)
            recording.commits.start()
            results = await asyncio.gather(*calls, return_exceptions=True)
        finally:
            await recording.admin.execute(
                f"alter table analytics_metrics attach partition {name}"
                f" for values from ('{month:%Y-%m-01} 00:00+00')"
                f" to ('{(month.replace(day=1) + timedelta(days=32)):%Y-%m-01} 00:00+00')"
            )

        failed = [isinstance(result, Exception) for result in results]
        assert failed == [False, False, True, False, False]
        assert len(await recording.raw(poisoned)) == 4
        assert len(await recording.raw(good)) == len(await recording.raw(neighbour)) == 2


@pytest.fixture
async def failing_commits(metrics_database: ServiceDatabase):
    """A venue whose rows the database accepts until the commit, which it then refuses."""
    venue = uuid4()
    admin = await asyncpg.connect(metrics_database.admin_url)
    await admin.execute(
        f"""
        create function refuse_commit() returns trigger language plpgsql as $$
        begin raise exception 'refused by select secret from ledger'; end $$;
        create constraint trigger refuse_commit after insert on realtime_metrics
           deferrable initially deferred
           for each row when (new.venue_id = '{venue}') execute function refuse_commit();
        """
    )
    yield venue
    await admin.execute("drop function refuse_commit cascade")
    await admin.close()


async def test_a_failing_commit_is_an_error_for_its_tenant_alone_and_stores_nothing(
    metrics_database: ServiceDatabase, failing_commits
):
    """The predecessor swallowed such errors and answered success."""
    unlucky, neighbour = uuid4(), uuid4()
    async with open_recording(metrics_database, lanes=1, start=False) as recording:
        calls = [
            asyncio.create_task(
                recording.recorder.record(caller_of(tenant), None, single(venue_id=str(venue)))
            )
            for tenant, venue in ((unlucky, failing_commits), (neighbour, uuid4()))
        ]
        await eventually(lambda: recording.commits.waiting_rows == 2)
        recording.commits.start()
        refused, stored = await asyncio.gather(*calls, return_exceptions=True)

        assert isinstance(refused, asyncpg.RaiseError)
        assert not isinstance(stored, Exception)
        assert len(await recording.raw(unlucky)) == 0
        assert len(await recording.raw(neighbour)) == 1


async def test_a_call_that_gives_up_before_its_turn_is_not_written(metrics_database: ServiceDatabase):
    tenant = uuid4()
    async with open_recording(metrics_database, start=False) as recording:
        given_up = asyncio.create_task(recording.recorder.record(caller_of(tenant), None, single()))
        await eventually(lambda: recording.commits.waiting_rows)
        given_up.cancel()
        await asyncio.wait([given_up])
        recording.commits.start()

        await recording.recorder.record(caller_of(tenant), None, single())

        assert len(await recording.raw(tenant)) == 1
