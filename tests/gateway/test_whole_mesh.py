"""The real metrics service behind the real gateway: what only both together can get wrong."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from tests.gateway.front import error_of, fields_of
from tests.servers.stack import StackUnderTest


def _headers(stack: StackUnderTest, tenant, **claims) -> dict[str, str]:
    return {"authorization": f"Bearer {stack.token(tenant, **claims)}"}


@pytest.fixture
def tenant():
    return uuid4()


@pytest.fixture
async def mesh(stack: StackUnderTest, tenant):
    """A client of a tenant nobody else uses."""
    headers = _headers(stack, tenant)
    async with httpx.AsyncClient(base_url=stack.gateway_url, headers=headers, timeout=20) as client:
        yield client


def _window() -> dict[str, str]:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return {
        "startDate": (now - timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
        "endDate": (now + timedelta(hours=2)).isoformat().replace("+00:00", "Z"),
        "metricType": "queue",
    }


def _metric(venue, value: float = 0) -> dict[str, object]:
    return {"metricType": "queue", "value": value, "venueId": str(venue)}


async def test_recorded_zero_comes_back_in_the_hourly_series(mesh):
    venue = uuid4()

    recorded = await mesh.post("/api/metrics", json=_metric(venue))
    listed = await mesh.get(f"/api/metrics/{venue}", params=_window() | {"granularity": "hour"})

    assert recorded.json()["verdict"]["status"] == "ACCEPTED"
    buckets = listed.json()["buckets"]
    assert [bucket["count"] for bucket in buckets] == [0, 1, 0]
    assert buckets[1] | {"startTime": ""} == {
        "startTime": "",
        "count": 1,
        "sum": 0,
        "avg": 0,
        "min": 0,
        "max": 0,
    }


async def test_another_tenants_venue_does_not_exist(stack, mesh):
    venue = uuid4()
    await mesh.post("/api/metrics", json=_metric(venue))
    stranger = _headers(stack, uuid4()) | {"x-tenant-id": "ignored"}

    read = await mesh.get(f"/api/metrics/{venue}", params=_window(), headers=stranger)
    written = await mesh.post("/api/metrics", json=_metric(venue), headers=stranger)

    for answer in (read, written):
        assert answer.status_code == 404
        assert error_of(answer.json())["reason"] == "VENUE_NOT_FOUND"


async def test_venue_outside_the_grant_does_not_exist(stack, mesh, tenant):
    granted, other = uuid4(), uuid4()
    for venue in (granted, other):
        await mesh.post("/api/metrics", json=_metric(venue))
    limited = _headers(stack, tenant, venue_ids=[granted])

    inside = await mesh.get(f"/api/metrics/{granted}", params=_window(), headers=limited)
    outside = await mesh.get(f"/api/metrics/{other}", params=_window(), headers=limited)

    assert inside.status_code == 200
    assert error_of(outside.json())["reason"] == "VENUE_NOT_FOUND"


async def test_refused_requests_store_nothing(mesh):
    venue = uuid4()
    await mesh.post("/api/metrics", json=_metric(venue))

    refused = [
        await mesh.post("/api/metrics", content='{"metricType": "queue", }'),
        await mesh.post("/api/metrics", json=_metric(venue) | {"value": "NaN"}),
        await mesh.post("/api/metrics", json=_metric(venue) | {"value": None}),
        await mesh.post("/api/metrics", json=_metric(venue) | {"metricType": "q" * 300}),
        await mesh.post("/api/metrics?colour=red", json=_metric(venue)),
        await mesh.post("/api/metrics/bulk", json={"metrics": [_metric(venue)] * 10_001}),
    ]
    listed = await mesh.get(f"/api/metrics/{venue}", params=_window() | {"granularity": "day"})

    assert [answer.status_code for answer in refused] == [400] * len(refused)
    assert all(error_of(answer.json()) for answer in refused)
    assert [fields_of(answer.json()) for answer in refused[1:4]] == [["value"], ["value"], ["metricType"]]
    assert sum(bucket["count"] for bucket in listed.json()["buckets"]) == 1


async def test_bad_row_of_a_bulk_call_is_a_verdict(mesh):
    venue = uuid4()

    answer = await mesh.post(
        "/api/metrics/bulk", json={"metrics": [_metric(venue, 1), _metric(venue) | {"value": "NaN"}]}
    )

    assert (answer.json()["acceptedCount"], answer.json()["rejectedCount"]) == (1, 1)
    assert [(one["index"], one["status"]) for one in answer.json()["verdicts"]] == [(1, "REJECTED")]


async def test_metric_reaches_a_stream_within_a_second(mesh):
    venue = uuid4()
    await mesh.post("/api/metrics", json=_metric(venue, 1))

    async with asyncio.timeout(15), mesh.stream("GET", f"/api/realtime/venue/{venue}/stream") as answer:
        messages = _messages(answer)
        async for message in messages:
            if "snapshotComplete" in message:
                break
        await mesh.post("/api/metrics", json=_metric(venue, 41))
        async with asyncio.timeout(1):
            async for message in messages:
                if message["updates"]:
                    break

    live = message["updates"][0]["windows"][0]
    assert answer.headers["content-type"] == "text/event-stream"
    assert (live["minutes"], live["sum"], live["count"]) == (1, 42, 2)
    assert message["resumeToken"]


async def test_silent_stream_has_heartbeats(mesh):
    venue = uuid4()
    await mesh.post("/api/metrics", json=_metric(venue, 1))

    async with (
        asyncio.timeout(40),
        mesh.stream("GET", f"/api/realtime/venue/{venue}/stream", timeout=40) as answer,
    ):
        async for message in _messages(answer):
            if "heartbeat" in message:
                break

    assert message["heartbeat"]["time"]


async def test_stream_of_an_expiring_token_says_why_it_ends(stack, mesh, tenant):
    venue = uuid4()
    await mesh.post("/api/metrics", json=_metric(venue, 1))
    headers = _headers(stack, tenant, lifetime=timedelta(seconds=3))

    async with (
        asyncio.timeout(20),
        mesh.stream("GET", f"/api/realtime/venue/{venue}/stream", headers=headers) as answer,
    ):
        messages = [message async for message in _messages(answer)]

    assert messages[-1]["closing"]["reason"] == "TOKEN_EXPIRED"


async def _messages(answer: httpx.Response):
    async for line in answer.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


async def test_health_covers_every_store(mesh):
    """The predecessor's health ignored two of its stores."""
    answer = (await mesh.get("/health/dependencies")).json()

    found = {(one["service"], one["name"]): one["status"] for one in answer["dependencies"]}
    stores = {"postgres", "redis", "mongo", "bus"}
    assert {name for service, name in found if service == "metrics"} == {"metrics", *stores}
    assert {name for service, name in found if service == "edge"} == {"edge", "redis"}
    assert set(found.values()) == {"up"}
