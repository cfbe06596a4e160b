"""Recording over gRPC: refusals of whole calls, idempotency keys, streams, and a process that is killed."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import grpc
import pytest
from tickettoken.metrics.v1 import recording_pb2

from libs.common.context import TenantScope
from libs.common.postgres.audit import audit
from libs.common.postgres.database import Database
from tests.metrics.process import MetricsProcess
from tests.metrics.recording.conftest import row, single
from tests.metrics.serving import bad_fields, refused
from tests.servers.waiting import eventually


@pytest.fixture
async def client(metrics_process):
    async with metrics_process.client(uuid4()) as client:
        yield client


async def stored_count(as_admin, tenant_id) -> int:
    return await as_admin.fetchval("select count(*) from analytics_metrics where tenant_id = $1", tenant_id)


async def test_ten_thousand_rows_are_taken_and_one_more_is_refused_as_a_bad_argument(client, as_admin):
    """The predecessor's bulk size was unbounded and died at the driver's parameter limit."""
    venue = str(uuid4())
    request = recording_pb2.BulkRecordMetricsRequest(metrics=[row(venue_id=venue)] * 10_000)

    taken = await client.metrics.BulkRecordMetrics(request, metadata=client.metadata)
    request.metrics.append(row(venue_id=venue))
    fields = await bad_fields(client.metrics.BulkRecordMetrics(request, metadata=client.metadata))
    none = await bad_fields(
        client.metrics.BulkRecordMetrics(recording_pb2.BulkRecordMetricsRequest(), metadata=client.metadata)
    )

    assert taken.accepted_count == 10_000
    assert (fields, none) == (["metrics"], ["metrics"])
    assert await stored_count(as_admin, client.tenant_id) == 10_000


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"value": None}, "value"),
        ({"value": float("nan")}, "value"),
        ({"value": float("-inf")}, "value"),
        ({"metric_type": "n" * 300}, "metricType"),
        ({"venue_id": "nowhere"}, "venueId"),
        ({"metric_id": "x"}, "metricId"),
        ({"dimensions": {"k": "v" * 300}}, "dimensions"),
        ({"metadata": {"text": "x" * 5000}}, "metadata"),
        ({"at": datetime.now(UTC) + timedelta(hours=1)}, "timestamp"),
        ({"at": datetime.now(UTC) - timedelta(days=401)}, "timestamp"),
    ],
)
async def test_a_bad_field_of_a_single_metric_is_named_and_nothing_is_stored(client, as_admin, fields, field):
    call = client.metrics.RecordMetric(single(**fields), metadata=client.metadata)

    (named,) = await bad_fields(call)

    assert named.partition("[")[0] == field
    assert await stored_count(as_admin, client.tenant_id) == 0


async def test_writing_needs_the_permission_to_write(metrics_process, as_admin):
    tenant = uuid4()
    async with metrics_process.client(tenant, permissions=["analytics.read"]) as reader:
        refusal = await refused(reader.metrics.RecordMetric(single(), metadata=reader.metadata))

    assert refusal[0] == "PERMISSION_DENIED"
    assert await stored_count(as_admin, tenant) == 0


async def test_concurrent_calls_with_one_idempotency_key_have_one_effect_and_one_answer(client, as_admin):
    request = recording_pb2.BulkRecordMetricsRequest(metrics=[row(), row(value=None)])

    calls = [client.metrics.BulkRecordMetrics(request, metadata=client.with_key("once")) for _ in range(12)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    answers = [one for one in outcomes if not isinstance(one, Exception)]
    in_flight = [one for one in outcomes if isinstance(one, Exception)]
    answers.append(await client.metrics.BulkRecordMetrics(request, metadata=client.with_key("once")))

    assert {error.code() for error in in_flight} <= {grpc.StatusCode.ABORTED}
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0].accepted_count, answers[0].rejected_count) == (1, 1)
    assert await stored_count(as_admin, client.tenant_id) == 1


async def test_a_stream_acknowledges_in_order_what_is_durable(client, as_admin):
    venue = str(uuid4())

    async def batches():
        for sequence in range(1, 21):
            rows = [row(venue_id=venue, metric_id=str(uuid4())) for _ in range(50)]
            rows.append(row(venue_id=venue, value=None))
            yield recording_pb2.StreamMetricsRequest(sequence=sequence * 2, metrics=rows)

    answers = [answer async for answer in client.metrics.StreamMetrics(batches(), metadata=client.metadata)]

    sequences = [answer.last_durable_sequence for answer in answers]
    assert sequences == sorted(sequences)
    assert sequences[-1] == 40
    assert sum(answer.accepted_count for answer in answers) == 1000
    assert sum(answer.rejected_count for answer in answers) == 20
    assert {verdict.index for answer in answers for verdict in answer.verdicts} == {50}
    assert await stored_count(as_admin, client.tenant_id) == 1000


async def test_a_stream_whose_sequence_does_not_grow_is_refused_after_its_acknowledgements(client):
    async def batches():
        for sequence in (1, 2, 2):
            yield recording_pb2.StreamMetricsRequest(sequence=sequence, metrics=[row()])

    call = client.metrics.StreamMetrics(batches(), metadata=client.metadata)
    acknowledged = [(await call.read()).last_durable_sequence for _ in range(2)]

    assert acknowledged == [1, 2]
    assert await refused(call.read()) == ("INVALID_ARGUMENT", "SEQUENCE_NOT_GROWING")


async def test_a_killed_process_loses_no_acknowledged_row_and_stores_none_twice(
    metrics_process, metrics_service, redis_url, mongo_url, as_admin
):
    tenant = uuid4()
    venues = [str(uuid4()) for _ in range(3)]
    replica = MetricsProcess(
        metrics_process.folder, metrics_service, redis_url=redis_url, mongo_url=mongo_url, command="serve"
    ).start()
    randomness = random.Random(3)
    acknowledged: set[str] = set()
    unanswered: list[recording_pb2.BulkRecordMetricsRequest] = []

    def batch() -> recording_pb2.BulkRecordMetricsRequest:
        return recording_pb2.BulkRecordMetricsRequest(
            metrics=[
                row(
                    venue_id=randomness.choice(venues),
                    value=randomness.uniform(-5, 5),
                    metric_id=str(uuid4()),
                    dimensions={"gate": randomness.choice("ab")},
                )
                for _ in range(randomness.choice((1, 200, 700)))
            ]
        )

    async with replica.client(tenant) as client:

        async def load() -> None:
            while True:
                request = batch()
                try:
                    await client.metrics.BulkRecordMetrics(request, metadata=client.metadata, timeout=10)
                except grpc.aio.AioRpcError:
                    unanswered.append(request)
                    return
                acknowledged.update(metric.metric_id for metric in request.metrics)

        loaders = [asyncio.create_task(load()) for _ in range(6)]
        await eventually(lambda: len(acknowledged) >= 8000, within_seconds=60)
        replica.kill()
        await asyncio.gather(*loaders)

    again = MetricsProcess(
        metrics_process.folder, metrics_service, redis_url=redis_url, mongo_url=mongo_url, command="serve"
    ).start()
    try:
        async with again.client(tenant) as client:
            for request in unanswered:
                response = await client.metrics.BulkRecordMetrics(request, metadata=client.metadata)
                assert response.rejected_count == 0
                acknowledged.update(metric.metric_id for metric in request.metrics)
    finally:
        again.stop()

    stored = Counter(
        str(one["metric_id"])
        for one in await as_admin.fetch(
            "select metric_id from analytics_metrics where tenant_id = $1", tenant
        )
    )
    assert set(stored) == acknowledged
    assert set(stored.values()) == {1}
    differing = await as_admin.fetch(
        "with raw as (select series_id, date_bin('15 minutes', metric_time, 'epoch') as bucket,"
        " count(*) as n, sum(value) as total from analytics_metrics where tenant_id = $1 group by 1, 2),"
        " rolled as (select series_id, bucket_start as bucket, sum(value_count) as n, sum(value_sum) as total"
        " from analytics_aggregations where tenant_id = $1 group by 1, 2)"
        " select * from raw full join rolled using (series_id, bucket)"
        " where raw.n is distinct from rolled.n or not abs(raw.total - rolled.total) < 1e-6",
        tenant,
    )
    assert differing == []


async def test_every_table_is_protected(as_admin):
    assert await audit(as_admin) == []


async def test_without_a_tenant_the_app_role_sees_no_row_partitions_included(client, database, as_admin):
    await client.metrics.RecordMetric(single(metric_id=str(uuid4())), metadata=client.metadata)
    tables = await as_admin.fetch(
        "select c.oid::regclass::text as name,"
        " has_table_privilege('metrics_app', c.oid, 'select') as granted, c.relispartition as is_partition"
        " from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace"
        " and a.attname = 'tenant_id'"
    )

    async with database.infrastructure() as conn:
        seen = {
            table["name"]: await conn.fetchval(f"select count(*) from {table['name']}")
            for table in tables
            if table["granted"]
        }

    assert set(seen) >= {"analytics_metrics", "analytics_aggregations", "realtime_metrics", "metric_ids"}
    assert set(seen.values()) == {0}
    assert not any(table["granted"] for table in tables if table["is_partition"])


async def test_a_venue_grant_binds_in_the_database_too(client, database: Database):
    granted, other = uuid4(), uuid4()
    request = recording_pb2.BulkRecordMetricsRequest(
        metrics=[row(venue_id=str(granted)), row(venue_id=str(other))]
    )
    await client.metrics.BulkRecordMetrics(request, metadata=client.metadata)

    async def visible(scope: TenantScope, table: str) -> set[UUID]:
        async with database.transaction(scope) as conn:
            rows = await conn.fetch(f"select venue_id from {table}")
        return {one["venue_id"] for one in rows}

    for table in ("venues", "metric_series", "realtime_metrics", "realtime_versions"):
        assert await visible(TenantScope(client.tenant_id), table) == {granted, other}
        assert await visible(TenantScope(client.tenant_id, frozenset({granted})), table) == {granted}
        assert await visible(TenantScope(uuid4()), table) == set()


async def test_a_write_costs_redis_the_same_among_a_hundred_thousand_unrelated_keys(client, redis):
    """The predecessor scanned the keyspace at every write. Commands are counted: time proves nothing."""

    async def commands_of_ten_writes() -> list[int]:
        before = await redis.info("commandstats")
        for _ in range(10):
            await client.metrics.RecordMetric(single(venue_id=str(venue)), metadata=client.metadata)
        after = await redis.info("commandstats")
        return [
            calls_of(after, command) - calls_of(before, command)
            for command in ("set", "publish", "scan", "keys")
        ]

    venue = uuid4()
    await client.metrics.RecordMetric(single(venue_id=str(venue)), metadata=client.metadata)

    alone = await commands_of_ten_writes()
    unrelated = {f"analytics:{uuid4()}:metrics:cache:{n}": n for n in range(100_000)}
    await redis.mset(unrelated)
    crowded = await commands_of_ten_writes()
    await redis.unlink(*unrelated)

    assert crowded == alone
    assert alone == [10, 10, 0, 0]


def calls_of(statistics: dict[str, dict[str, int]], command: str) -> int:
    return statistics.get(f"cmdstat_{command}", {"calls": 0})["calls"]


async def test_a_failing_commit_is_answered_with_an_error_that_shows_no_sql(client, as_admin):
    venue = uuid4()
    await as_admin.execute(
        f"""
        create function refuse_commit() returns trigger language plpgsql as $$
        begin raise exception 'insert into ledger failed for %', new.venue_id; end $$;
        create constraint trigger refuse_commit after insert on realtime_metrics
           deferrable initially deferred
           for each row when (new.venue_id = '{venue}') execute function refuse_commit();
        """
    )
    try:
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await client.metrics.RecordMetric(single(venue_id=str(venue)), metadata=client.metadata)
    finally:
        await as_admin.execute("drop function refuse_commit cascade")

    assert (refusal.value.code().name, refusal.value.details()) == ("INTERNAL", "internal error")
    assert "ledger" not in str(refusal.value.trailing_metadata())
    assert await stored_count(as_admin, client.tenant_id) == 0
