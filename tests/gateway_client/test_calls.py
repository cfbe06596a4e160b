"""Calls over HTTP: what is sent, what comes back, what is tried again."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.responses import Response
from tickettoken.gateway.v1.cache_service_pb2 import FlushCacheRequest, FlushCacheResponse
from tickettoken.metrics.v1.analytics_service_pb2 import DESCRIPTOR  # noqa: F401 - registers the service
from tickettoken.metrics.v1.recording_pb2 import RecordMetricRequest, RecordMetricResponse, Verdict
from tickettoken.metrics.v1.series_pb2 import ListMetricsRequest, ListMetricsResponse
from tickettoken.metrics.v1.sessions_pb2 import ListActiveSessionsRequest, ListActiveSessionsResponse

from gateway.client import (
    Aborted,
    AnalyticsClient,
    ConnectionLost,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    RetryPolicy,
    Unauthenticated,
    Unavailable,
)
from libs.common.auth.errors import TokenExpired
from libs.common.errors import DependencyUnavailable, InvalidField, VenueNotFound
from libs.common.postgres.errors import TransactionConflict
from libs.common.rpc.errors import RateLimited
from tests.contracts.descriptors import methods

VENUE = "0190b5a2-7c3e-7000-8000-0123456789ab"
METRIC = RecordMetricRequest(
    metric_type="queue_length", value=0, venue_id=VENUE, dimensions={"gate": "north"}
)
ACCEPTED = RecordMetricResponse(verdict=Verdict(status="ACCEPTED"))


class EtagMismatch(TransactionConflict):
    reason = "ETAG_MISMATCH"


async def test_post_sends_the_message_as_json_and_brings_back_a_message(gateway, client):
    gateway.will_answer(ACCEPTED)

    reply = await client.metrics.record_metric(METRIC)

    assert reply == ACCEPTED
    (asked,) = gateway.asked
    assert (asked.verb, asked.path, asked.query) == ("POST", "/api/metrics", [])
    assert asked.json == {
        "metricType": "queue_length",
        "value": 0.0,
        "venueId": VENUE,
        "dimensions": {"gate": "north"},
    }
    assert asked.headers["authorization"] == "Bearer a-token"
    assert asked.headers["content-type"] == "application/json"
    assert len(asked.headers["idempotency-key"]) == 36


async def test_get_puts_fields_into_path_and_query(gateway, client):
    gateway.will_answer(ListMetricsResponse())
    request = ListMetricsRequest(
        venue_id=VENUE, metric_type="a", dimension=["gate=north", "k=&?"], page_size=7
    )
    request.start_date.FromDatetime(datetime(2026, 3, 1, tzinfo=UTC))

    await client.metrics.list_metrics(request)

    (asked,) = gateway.asked
    assert (asked.verb, asked.path, asked.body) == ("GET", f"/api/metrics/{VENUE}", b"")
    assert sorted(asked.query) == [
        ("dimension", "gate=north"),
        ("dimension", "k=&?"),
        ("metricType", "a"),
        ("pageSize", "7"),
        ("startDate", "2026-03-01T00:00:00Z"),
    ]
    assert "idempotency-key" not in asked.headers


async def test_path_values_are_escaped(gateway, client):
    gateway.will_answer(ListMetricsResponse())

    await client.metrics.list_metrics(ListMetricsRequest(venue_id="../x y"))

    assert gateway.asked[0].path == "/api/metrics/..%2Fx%20y"


async def test_empty_path_value_is_refused_before_anything_is_sent(gateway, client):
    with pytest.raises(ValueError, match="venue_id"):
        await client.metrics.list_metrics(ListMetricsRequest())

    assert gateway.asked == []


async def test_unavailable_service_is_called_again_with_the_same_key(gateway, client):
    gateway.will_answer(DependencyUnavailable("no database"), DependencyUnavailable("no database"), ACCEPTED)

    assert await client.metrics.record_metric(METRIC) == ACCEPTED

    keys = {asked.headers["idempotency-key"] for asked in gateway.asked}
    assert len(gateway.asked) == 3
    assert len(keys) == 1


async def test_delete_carries_an_idempotency_key_too(gateway, client):
    gateway.will_answer(FlushCacheResponse(flushed_namespace_count=2))

    await client.cache.flush_cache(FlushCacheRequest(pattern="metrics:*"), idempotency_key="mine")

    (asked,) = gateway.asked
    assert (asked.verb, asked.query) == ("DELETE", [("pattern", "metrics:*")])
    assert asked.headers["idempotency-key"] == "mine"


async def test_last_refusal_is_raised_when_nothing_helps(gateway, client):
    gateway.will_answer(*[DependencyUnavailable("no database")] * 3)

    with pytest.raises(Unavailable) as refused:
        await client.metrics.record_metric(METRIC)

    assert refused.value.reason == "DEPENDENCY_UNAVAILABLE"
    assert len(gateway.asked) == 3


async def test_not_found_is_typed_and_not_tried_again(gateway, client):
    gateway.will_answer(VenueNotFound("no such venue", venue_id=VENUE))

    with pytest.raises(NotFound, match="no such venue") as refused:
        await client.metrics.record_metric(METRIC)

    assert (refused.value.reason, refused.value.http_status) == ("VENUE_NOT_FOUND", 404)
    assert refused.value.metadata == {"venue_id": VENUE}
    assert len(gateway.asked) == 1


async def test_invalid_argument_names_the_fields(gateway, client):
    gateway.will_answer(InvalidField.of("metricType", "lower snake case"))

    with pytest.raises(InvalidArgument) as refused:
        await client.metrics.record_metric(METRIC)

    assert refused.value.violations == (("metricType", "lower snake case"),)


async def test_rate_limit_is_waited_for_as_long_as_it_says(gateway, client):
    gateway.will_answer(RateLimited("slow down", retry_after=timedelta(seconds=0.2)), ACCEPTED)
    before = datetime.now(UTC)

    await client.metrics.record_metric(METRIC)

    assert datetime.now(UTC) - before >= timedelta(seconds=0.2)


async def test_wait_that_is_too_long_is_left_to_the_caller(gateway, client):
    gateway.will_answer(RateLimited("slow down", retry_after=timedelta(minutes=1)))

    with pytest.raises(ResourceExhausted) as refused:
        await client.metrics.record_metric(METRIC)

    assert refused.value.retry_after == timedelta(minutes=1)
    assert len(gateway.asked) == 1


async def test_lost_race_is_run_again_but_a_stale_etag_is_not(gateway, client):
    gateway.will_answer(TransactionConflict("lost a race"), ACCEPTED, EtagMismatch("changed meanwhile"))

    await client.metrics.record_metric(METRIC)
    with pytest.raises(Aborted):
        await client.metrics.record_metric(METRIC)

    assert len(gateway.asked) == 3


async def test_answer_of_a_proxy_is_still_a_typed_error(gateway, client):
    gateway.will_answer(*[Response("<h1>Bad gateway</h1>", 502) for _ in range(3)])

    with pytest.raises(Unavailable) as refused:
        await client.metrics.record_metric(METRIC)

    assert (refused.value.reason, refused.value.http_status) == ("", 502)


async def test_gateway_that_is_not_there_is_a_lost_connection():
    async with AnalyticsClient(
        "http://127.0.0.1:1", retries=RetryPolicy(attempts=2, first_wait_seconds=0.01)
    ) as away:
        with pytest.raises(ConnectionLost):
            await away.metrics.record_metric(METRIC)


async def test_expired_token_is_renewed_once(gateway):
    tokens = iter(["old", "new", "newer"])

    async def fetch() -> str:
        return next(tokens)

    gateway.will_answer(TokenExpired("over"), ACCEPTED, TokenExpired("over"), TokenExpired("over"))
    async with AnalyticsClient(gateway.url, fetch) as client:
        await client.metrics.record_metric(METRIC)
        with pytest.raises(Unauthenticated):
            await client.metrics.record_metric(METRIC)

    sent = [asked.headers["authorization"] for asked in gateway.asked]
    assert sent == ["Bearer old", "Bearer new", "Bearer new", "Bearer newer"]


async def test_fixed_token_that_is_refused_is_an_error_at_once(gateway, client):
    gateway.will_answer(TokenExpired("over"))

    with pytest.raises(Unauthenticated):
        await client.metrics.record_metric(METRIC)

    assert len(gateway.asked) == 1


async def test_pages_are_asked_for_until_the_last(gateway, client):
    gateway.will_answer(
        ListActiveSessionsResponse(active_count=1, next_page_token="second"),
        ListActiveSessionsResponse(active_count=2),
    )
    request = ListActiveSessionsRequest(venue_id=VENUE, page_size=2)

    pages = [page.active_count async for page in client.realtime.list_active_sessions_pages(request)]

    assert pages == [1, 2]
    assert [dict(asked.query).get("pageToken") for asked in gateway.asked] == [None, "second"]
    assert request.page_token == ""


async def test_fields_of_a_newer_server_are_ignored(gateway, client):
    gateway.will_answer(Response('{"verdict": {"status": "ACCEPTED", "colour": "red"}}'))

    assert await client.metrics.record_metric(METRIC) == ACCEPTED


@pytest.mark.parametrize("method", [method for method in methods() if method.path], ids=str)
def test_every_route_has_a_method_of_the_same_name(method):
    client = AnalyticsClient("http://127.0.0.1:1")
    service = method.service.rpartition(".")[2].removesuffix("Service")

    assert callable(getattr(getattr(client, snake(service)), snake(method.descriptor.name)))


def snake(name):
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("_")
