"""Recording: what is stored, what is refused, what is a duplicate."""

import asyncio
import json
import math
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from tickettoken.metrics.v1 import recording_pb2

from libs.common.errors import AnalyticsError, VenueNotFound
from libs.common.rpc.claims import Claim
from libs.common.rpc.errors import IdempotencyKeyReused
from tests.metrics.recording.conftest import Recording, caller_of, open_recording, row, single
from tests.servers.databases import ServiceDatabase


async def test_a_recorded_metric_is_stored_with_all_its_fields(recording: Recording):
    tenant, venue, metric_id = uuid4(), uuid4(), uuid4()
    at = datetime.now(UTC) - timedelta(hours=3)
    metric = single(
        venue_id=str(venue),
        value=-2.5,
        at=at,
        dimensions={"gate": "nörth", "channel": "web"},
        metadata={"note": "backslash \\u0000 stays text", "deep": {"list": [1, True, None]}},
        metric_id=str(metric_id),
    )

    response = await recording.recorder.record(caller_of(tenant), None, metric)

    assert response.verdict.status == "ACCEPTED"
    (stored,) = await recording.raw(tenant)
    assert stored["venue_id"] == venue
    assert stored["metric_time"] == at
    assert stored["value"] == -2.5
    assert json.loads(stored["dimensions"]) == {"gate": "nörth", "channel": "web"}
    assert json.loads(stored["metadata"]) == {
        "note": "backslash \\u0000 stays text",
        "deep": {"list": [1, True, None]},
    }
    assert stored["metric_id"] == metric_id


async def test_zero_and_false_are_values(recording: Recording):
    tenant = uuid4()

    await recording.recorder.record(caller_of(tenant), None, single(value=0.0, metadata={"vip": False}))

    (stored,) = await recording.raw(tenant)
    assert stored["value"] == 0.0
    assert json.loads(stored["metadata"]) == {"vip": False}


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"value": None}, "INVALID_FIELD", "value"),
        ({"value": math.nan}, "INVALID_FIELD", "value"),
        ({"value": math.inf}, "INVALID_FIELD", "value"),
        ({"value": -math.inf}, "INVALID_FIELD", "value"),
        ({"value": 1.7e308}, "INVALID_FIELD", "value"),
        ({"metric_type": ""}, "INVALID_FIELD", "metricType"),
        ({"metric_type": "Page-Views"}, "INVALID_FIELD", "metricType"),
        ({"metric_type": "a" * 65}, "INVALID_FIELD", "metricType"),
        ({"metric_type": "n" * 300}, "INVALID_FIELD", "metricType"),
        ({"metric_type": "views\n"}, "INVALID_FIELD", "metricType"),
        ({"venue_id": "somewhere"}, "INVALID_FIELD", "venueId"),
        ({"venue_id": ""}, "INVALID_FIELD", "venueId"),
        ({"metric_id": "not-a-uuid"}, "INVALID_FIELD", "metricId"),
        ({"metric_id": "0b5a8c1e7d1a-4b52-8e3f-5c9d-2a1b7e10"}, "INVALID_FIELD", "metricId"),
        ({"dimensions": {f"k{n}": "v" for n in range(11)}}, "INVALID_FIELD", "dimensions"),
        ({"dimensions": {"k" * 65: "v"}}, "INVALID_FIELD", "dimensions"),
        ({"dimensions": {"": "v"}}, "INVALID_FIELD", "dimensions"),
        ({"dimensions": {"k": "v" * 257}}, "INVALID_FIELD", "dimensions"),
        ({"dimensions": {"k": "\0"}}, "INVALID_FIELD", "dimensions"),
        ({"metadata": {"text": "x" * 4096}}, "METADATA_TOO_LARGE", "metadata"),
        ({"metadata": {"text": "x" * 40_960}}, "METADATA_TOO_LARGE", "metadata"),
        ({"metadata": {"text": "\0"}}, "INVALID_FIELD", "metadata"),
        ({"metadata": {"number": math.nan}}, "INVALID_FIELD", "metadata"),
        ({"at": datetime(2999, 1, 1, tzinfo=UTC)}, "TIMESTAMP_IN_FUTURE", "timestamp"),
        ({"at": datetime(1970, 1, 2, tzinfo=UTC)}, "TIMESTAMP_TOO_OLD", "timestamp"),
    ],
)
async def test_a_row_that_breaks_a_rule_is_an_error_alone_and_a_verdict_in_bulk(
    recording: Recording, fields: dict, reason: str, field: str
):
    tenant, venue = uuid4(), str(uuid4())
    bad = {"venue_id": venue} | fields

    with pytest.raises(AnalyticsError) as alone:
        await recording.recorder.record(caller_of(tenant), None, single(**bad))
    bulk = await recording.recorder.record_many(
        caller_of(tenant), None, [row(venue_id=venue), row(**bad), row(venue_id=venue)]
    )

    assert alone.value.reason == reason
    assert [violation.field for violation in alone.value.violations] == [field]
    assert (bulk.accepted_count, bulk.duplicate_count, bulk.rejected_count) == (2, 0, 1)
    (verdict,) = bulk.verdicts
    assert (verdict.status, verdict.reason, verdict.index) == ("REJECTED", reason, 1)
    assert field in verdict.message
    assert len(await recording.raw(tenant)) == 2


async def test_the_limits_themselves_are_allowed(recording: Recording):
    tenant = uuid4()
    dimensions = {f"{n}" * 64: "é" * 256 for n in range(10)}
    metric = single(
        metric_type="a" * 64,
        value=1e300,
        dimensions=dimensions,
        metadata={"t": "x" * (4096 - len('{"t":""}'))},
        at=datetime.now(UTC) + timedelta(minutes=4, seconds=50),
    )

    await recording.recorder.record(caller_of(tenant), None, metric)

    (stored,) = await recording.raw(tenant)
    assert json.loads(stored["dimensions"]) == dimensions


async def test_another_tenants_venue_is_not_found(recording: Recording):
    venue = str(uuid4())
    await recording.recorder.record(caller_of(uuid4()), None, single(venue_id=venue))
    intruder = uuid4()

    with pytest.raises(VenueNotFound):
        await recording.recorder.record(caller_of(intruder), None, single(venue_id=venue))
    bulk = await recording.recorder.record_many(caller_of(intruder), None, [row(venue_id=venue), row()])

    assert [(verdict.index, verdict.reason) for verdict in bulk.verdicts] == [(0, "VENUE_NOT_FOUND")]
    assert len(await recording.raw(intruder)) == 1


async def test_a_venue_outside_the_grant_is_not_found_even_when_its_series_is_known(recording: Recording):
    tenant, granted, other = uuid4(), uuid4(), uuid4()
    rows = [row(venue_id=str(granted)), row(venue_id=str(other))]
    await recording.recorder.record_many(caller_of(tenant), None, rows)

    bulk = await recording.recorder.record_many(caller_of(tenant, frozenset({granted})), None, rows)

    assert bulk.accepted_count == 1
    assert [(verdict.index, verdict.reason) for verdict in bulk.verdicts] == [(1, "VENUE_NOT_FOUND")]


async def test_an_id_is_stored_once_within_a_call_across_calls_and_across_time(recording: Recording):
    tenant, venue, metric_id = uuid4(), str(uuid4()), str(uuid4())
    twice = [row(venue_id=venue, metric_id=metric_id), row(venue_id=venue, metric_id=metric_id.upper())]

    first = await recording.recorder.record_many(caller_of(tenant), None, twice)
    second = await recording.recorder.record(
        caller_of(tenant), None, single(venue_id=venue, metric_id=metric_id)
    )
    await recording.admin.execute(
        "update metric_ids set seen_at = now() - interval '7 days 1 second' where tenant_id = $1", tenant
    )
    late = await recording.recorder.record(
        caller_of(tenant), None, single(venue_id=venue, metric_id=metric_id)
    )

    assert (first.accepted_count, first.duplicate_count) == (1, 1)
    assert [(verdict.index, verdict.status) for verdict in first.verdicts] == [(1, "DUPLICATE")]
    assert second.verdict.status == "DUPLICATE"
    assert late.verdict.status == "ACCEPTED"
    assert len(await recording.raw(tenant)) == 2


async def test_concurrent_calls_with_the_same_ids_store_each_once(recording: Recording):
    tenant, venue = uuid4(), str(uuid4())
    metric_ids = [str(uuid4()) for _ in range(400)]
    calls = []
    for seed in range(12):
        shuffled = random.Random(seed).sample(metric_ids, len(metric_ids))
        calls.append([row(venue_id=venue, metric_id=metric_id) for metric_id in shuffled])

    responses = await asyncio.gather(
        *(recording.recorder.record_many(caller_of(tenant), None, call) for call in calls)
    )

    assert sum(response.accepted_count for response in responses) == 400
    assert sum(response.duplicate_count for response in responses) == 11 * 400
    assert len(await recording.raw(tenant)) == 400


async def test_rollups_and_live_minutes_equal_raw_after_concurrent_load(recording: Recording):
    tenants = [uuid4() for _ in range(3)]
    venues = {tenant: [str(uuid4()) for _ in range(3)] for tenant in tenants}
    randomness = random.Random(7)
    now = datetime.now(UTC)

    def some(tenant: UUID) -> recording_pb2.MetricInput:
        return row(
            venue_id=randomness.choice(venues[tenant]),
            metric_type=randomness.choice(["page_views", "queue_length"]),
            value=randomness.uniform(-1e6, 1e6),
            at=now - timedelta(seconds=randomness.uniform(-200, 86_400 * 3)),
            dimensions={"gate": randomness.choice("abc")} if randomness.random() < 0.5 else {},
        )

    calls = [
        (tenant, [some(tenant) for _ in range(size)])
        for size in (1, 1, 3, 250, 300, 1000)
        for tenant in tenants
        for _ in range(4)
    ]
    responses = await asyncio.gather(
        *(recording.recorder.record_many(caller_of(tenant), None, rows) for tenant, rows in calls)
    )

    assert sum(response.accepted_count for response in responses) == sum(len(rows) for _, rows in calls)
    for tenant in tenants:
        expected: dict[tuple, list] = defaultdict(list)
        live: dict[tuple, list] = defaultdict(list)
        for sent in (metric for owner, rows in calls if owner == tenant for metric in rows):
            at = sent.timestamp.ToDatetime(UTC)
            bucket = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
            key = (sent.venue_id, sent.metric_type, tuple(sorted(sent.dimensions.items())), bucket)
            expected[key].append((at, sent.value))
            minute = at.replace(second=0, microsecond=0)
            if minute >= now - timedelta(minutes=59):
                live[(sent.venue_id, sent.metric_type, minute)].append(sent.value)
        stored = await recording.admin.fetch(
            "select venue_id, metric_type, dimensions, bucket_start,"
            " sum(value_count)::bigint, sum(value_sum),"
            " min(value_min), max(value_max), max(newest_time)"
            " from analytics_aggregations join metric_series using (series_id)"
            " where analytics_aggregations.tenant_id = $1 group by 1, 2, 3, 4",
            tenant,
        )
        assert len(stored) == len(expected)
        for venue_id, metric_type, dimensions, bucket, count, total, low, high, newest in stored:
            values = expected[
                (str(venue_id), metric_type, tuple(sorted(json.loads(dimensions).items())), bucket)
            ]
            assert count == len(values)
            assert total == pytest.approx(math.fsum(value for _, value in values), rel=1e-9, abs=1e-3)
            assert (low, high) == (min(value for _, value in values), max(value for _, value in values))
            assert newest == max(at for at, _ in values)
        minutes = await recording.admin.fetch(
            "select venue_id, metric_type, minute_start, sum(value_count)::bigint, sum(value_sum)"
            " from realtime_metrics where tenant_id = $1 group by 1, 2, 3",
            tenant,
        )
        found = {(str(one[0]), one[1], one[2]): (one[3], one[4]) for one in minutes}
        for key, values in live.items():
            assert found[key] == (len(values), pytest.approx(math.fsum(values), rel=1e-9, abs=1e-3))


async def test_an_idempotency_key_replays_the_first_answer_and_stores_nothing_again(recording: Recording):
    caller = caller_of(uuid4())
    request = recording_pb2.BulkRecordMetricsRequest(metrics=[row(), row(value=math.nan)])
    claim = Claim.of(caller, "Bulk", "key-1", request)

    first = await recording.recorder.record_many(caller, claim, request.metrics)
    again = await recording.recorder.record_many(
        caller, Claim.of(caller, "Bulk", "key-1", request), request.metrics
    )
    other = recording_pb2.BulkRecordMetricsRequest(metrics=[row()])
    with pytest.raises(IdempotencyKeyReused):
        await recording.recorder.record_many(caller, Claim.of(caller, "Bulk", "key-1", other), other.metrics)

    assert again == first
    assert (first.accepted_count, first.rejected_count) == (1, 1)
    assert len(await recording.raw(caller.tenant_id)) == 1


async def test_the_series_budget_refuses_new_series_and_names_the_biggest_dimension(
    metrics_database: ServiceDatabase,
):
    tenant, venues = uuid4(), [str(uuid4()), str(uuid4())]
    async with open_recording(metrics_database, budget=5) as recording:
        rows = [row(venue_id=venues[0], dimensions={"seat": str(n), "kind": "x"}) for n in range(7)]

        bulk = await recording.recorder.record_many(caller_of(tenant), None, rows)
        elsewhere = await recording.recorder.record_many(
            caller_of(tenant),
            None,
            [row(venue_id=venues[1], dimensions={"seat": "0", "kind": "x"}), row(venue_id=venues[1])],
        )
        with pytest.raises(AnalyticsError) as alone:
            await recording.recorder.record(caller_of(tenant), None, single(venue_id=venues[0]))

    assert (bulk.accepted_count, bulk.rejected_count) == (5, 2)
    assert {verdict.reason for verdict in bulk.verdicts} == {"SERIES_BUDGET_EXCEEDED"}
    assert "'seat'" in bulk.verdicts[0].message
    assert (elsewhere.accepted_count, elsewhere.rejected_count) == (1, 1)
    assert alone.value.metadata["dimension"] == "seat"
