"""Health of the whole mesh, asked through the gateway."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from libs.common.errors import DependencyUnavailable
from tests.gateway.front import Front, error_of


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - the condition lives in another process
            await asyncio.sleep(0.05)


async def _status_of(client: httpx.AsyncClient, service: str, name: str) -> str:
    found = (await client.get("/health/dependencies")).json()["dependencies"]
    return next(one["status"] for one in found if (one["service"], one["name"]) == (service, name))


async def test_everything_is_well(anonymous: httpx.AsyncClient):
    health, live, ready = [(await anonymous.get(f"/health{path}")) for path in ("", "/live", "/ready")]

    assert (health.json()["status"], live.json()["status"], ready.json()["status"]) == (
        "ok",
        "alive",
        "ready",
    )
    assert health.json()["version"]
    assert health.json()["uptimeSeconds"] > 0


async def test_dependencies_are_listed_with_their_latency(anonymous: httpx.AsyncClient):
    answer = (await anonymous.get("/health/dependencies")).json()

    found = {(one["service"], one["name"]): one for one in answer["dependencies"]}
    assert set(found) == {
        ("edge", "edge"),
        ("edge", "redis"),
        ("metrics", "metrics"),
        ("metrics", "postgres"),
    }
    assert all(
        one["status"] == "up" and one["latencyMs"] >= 0 and one["checkedTime"] for one in found.values()
    )
    assert found["metrics", "postgres"]["required"]
    assert not found["edge", "redis"]["required"]


async def test_store_that_fails_is_reported_and_only_administrators_see_why(front: Front, anonymous, client):
    front.store_failure = DependencyUnavailable("no route to host db-7", dependency="postgres")
    try:
        await _until(lambda: _is(anonymous, "metrics", "postgres", "down"))
        ready = await anonymous.get("/health/ready")
        health = await anonymous.get("/health")
        live = await anonymous.get("/health/live")
        public = (await anonymous.get("/health/dependencies")).text
        forged = (await anonymous.get("/health/dependencies", headers={"authorization": "Bearer x"})).text
        reader = front.tokens.header(permissions=["analytics.read"])
        read = (await anonymous.get("/health/dependencies", headers=reader)).text
        administrators = (await client.get("/health/dependencies")).text
    finally:
        front.store_failure = None
        await _until(lambda: _is(anonymous, "metrics", "postgres", "up"))

    assert ready.status_code == 503
    assert error_of(ready.json())["reason"] == "NOT_READY"
    assert "metrics/postgres" in error_of(ready.json())["metadata"]["dependencies"]
    assert (health.status_code, health.json()["status"]) == (200, "down")
    assert live.status_code == 200
    assert "DependencyUnavailable" not in public + forged + read
    assert "DependencyUnavailable" in administrators
    assert "db-7" not in administrators


async def _is(client: httpx.AsyncClient, service: str, name: str, status: str) -> bool:
    return await _status_of(client, service, name) == status


async def test_dead_service_makes_the_mesh_unready_until_it_is_back(front: Front, anonymous):
    await front.stop_service()
    try:
        await _until(lambda: _is(anonymous, "metrics", "metrics", "down"))
        ready = await anonymous.get("/health/ready")
        store = await _status_of(anonymous, "metrics", "postgres")
    finally:
        await front.start_service()

    assert ready.status_code == 503
    assert store == "unknown"
    await _until(lambda: _is(anonymous, "metrics", "metrics", "up"))
    assert (await anonymous.get("/health/ready")).status_code == 200


async def test_health_is_never_rate_limited(anonymous: httpx.AsyncClient):
    statuses = [(await anonymous.get("/health/live")).status_code for _ in range(700)]

    assert set(statuses) == {200}
