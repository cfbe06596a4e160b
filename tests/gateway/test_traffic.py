"""What the gateway does with good requests: streams, CORS, headers, retries, compression."""

import asyncio
import json

import httpx
import pytest
from tickettoken.metrics.v1 import metrics_service_pb2_grpc, recording_pb2

from tests.gateway.front import VENUE, Front

GOOD = {"metricType": "queue", "value": 1, "venueId": VENUE}
STREAM = f"/api/realtime/venue/{VENUE}/stream"
SERIES = f"/api/metrics/{VENUE}"
WINDOW = {"startDate": "2026-01-01T00:00:00Z", "endDate": "2026-01-02T00:00:00Z", "metricType": "queue"}
ORIGIN = "https://console.example"


async def test_server_stream_becomes_events_one_by_one(front: Front, client: httpx.AsyncClient):
    front.realtime.go_on.clear()

    async with (
        asyncio.timeout(5),
        client.stream("GET", STREAM, headers={"accept-encoding": "gzip, br"}) as answer,
    ):
        lines = answer.aiter_lines()
        first = await anext(lines)
        front.realtime.go_on.set()
        rest = [line async for line in lines if line]

    assert answer.headers["content-type"] == "text/event-stream"
    assert json.loads(first.removeprefix("data: "))["resumeToken"] == "first"
    assert [json.loads(line.removeprefix("data: "))["resumeToken"] for line in rest] == ["last"]
    assert json.loads(rest[0].removeprefix("data: "))["closing"]["reason"] == "TOKEN_EXPIRED"


async def test_server_stream_becomes_lines_when_asked_for(front: Front, client: httpx.AsyncClient):
    front.realtime.go_on.set()

    async with asyncio.timeout(5):
        answer = await client.get(STREAM, headers={"accept": "application/x-ndjson"})

    assert [json.loads(line)["resumeToken"] for line in answer.text.splitlines() if line] == ["first", "last"]


async def test_stream_in_both_directions_over_grpc(front: Front):
    async def requests():
        for sequence in (1, 2, 3):
            yield recording_pb2.StreamMetricsRequest(sequence=sequence, metrics=[recording_pb2.MetricInput()])

    async with front.channel() as channel:
        stub = metrics_service_pb2_grpc.MetricsServiceStub(channel)
        metadata = (("authorization", f"Bearer {front.tokens.token()}"),)
        answers = [answer async for answer in stub.StreamMetrics(requests(), metadata=metadata, timeout=10)]

    assert [answer.last_durable_sequence for answer in answers] == [1, 2, 3]


async def test_health_and_reflection_answer_over_grpc_without_a_token(front: Front):
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    async with front.channel() as channel:
        health = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        question = reflection_pb2.ServerReflectionRequest(list_services="")
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        async for answer in stub.ServerReflectionInfo(iter([question])):
            services = [service.name for service in answer.list_services_response.service]
            break

    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert "tickettoken.gateway.v1.HealthService" in services


async def test_allowed_origin_may_ask_first(anonymous):
    headers = {
        "origin": ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,idempotency-key",
    }

    answer = await anonymous.options("/api/metrics", headers=headers)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "idempotency-key" in answer.headers["access-control-allow-headers"]


async def test_other_origin_is_not_told_it_may(anonymous, client):
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}

    asked = await anonymous.options("/api/metrics", headers=headers)
    answered = await client.get(SERIES, params=WINDOW, headers=headers)

    assert "access-control-allow-origin" not in asked.headers
    assert "access-control-allow-origin" not in answered.headers


async def test_allowed_origin_reads_answers_and_refusals(anonymous, client):
    answered = await client.get(SERIES, params=WINDOW, headers={"origin": ORIGIN})
    refused = await anonymous.get(SERIES, headers={"origin": ORIGIN})

    assert answered.headers["access-control-allow-origin"] == ORIGIN
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == ORIGIN
    assert "retry-after" in refused.headers["access-control-expose-headers"]


async def test_every_answer_has_a_request_id_and_security_headers(anonymous, client, front: Front):
    for answer in (
        await client.get(SERIES, params=WINDOW),
        await anonymous.get(SERIES),
        await client.get("/none"),
    ):
        assert len(answer.headers["x-request-id"]) == 36
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers
    assert len(front.seen.metadata["x-request-id"]) == 36


async def test_trace_context_travels_to_the_service(front: Front, client):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    await client.get(SERIES, params=WINDOW, headers={"traceparent": parent})

    assert front.seen.metadata["traceparent"] == parent


@pytest.mark.parametrize("encoding", ["gzip", "br"])
async def test_large_answer_is_compressed(front: Front, encoding):
    headers = front.tokens.header() | {"accept-encoding": encoding}
    rows = {"metrics": [{}] * 100}

    async with (
        httpx.AsyncClient(base_url=front.url, headers=headers) as client,
        client.stream("POST", "/api/metrics/bulk", json=rows) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-encoding"] == encoding


async def test_read_is_tried_again_and_write_is_not(front: Front, client):
    read = await client.get(SERIES, params=WINDOW | {"metricType": "unavailable_once"})
    tries_of_read = front.seen.attempts
    front.seen.attempts = 0
    written = await client.post("/api/metrics", json=GOOD | {"metricType": "unavailable"})

    assert read.status_code == 200
    assert tries_of_read == 2
    assert written.status_code == 503
    assert front.seen.attempts == 1


@pytest.mark.parametrize("own", [{}, {"grpc-timeout": "5S"}])
async def test_service_is_never_the_one_to_break_off_a_call(front: Front, client, own):
    """Its deadline is later than any that the gateway keeps."""
    seen = {}
    original, front.seen.note = (
        front.seen.note,
        lambda request, context: seen.update(left=context.time_remaining()),
    )
    try:
        await client.post("/api/metrics", json=GOOD, headers=own)
    finally:
        front.seen.note = original

    assert 290 < seen["left"] <= 300
