"""Rate limits against a real Redis protocol server, and without it."""

import asyncio
import secrets
from uuid import uuid4

import grpc
import pytest
import redis.asyncio
from google.rpc import error_details_pb2

from deploy.local.ports import free_port
from deploy.local.servers import Valkey
from libs.common.rpc.client_address import ClientAddresses
from libs.common.rpc.errors import RateLimited
from libs.common.rpc.ratelimit import KEY_PREFIX, RateLimiter
from libs.common.rpc.status import error_info_from, status_from
from libs.common.settings import DEFAULT_RATE_LIMITS
from tests.rpc.world import echo_server, refused

LIMITS = DEFAULT_RATE_LIMITS | {
    "read": "3/minute",
    "public": "2/minute",
    "bulk": "100/minute",
    "admin": "2/second;3/minute",
}


@pytest.fixture
async def limiter(redis_url):
    made = RateLimiter(redis_url, LIMITS)
    yield made
    await made.close()


async def spent(limiter: RateLimiter, tenant: str, rate_class: str, calls: int) -> int:
    """How many of so many calls are let through."""
    let_through = 0
    for _ in range(calls):
        try:
            await limiter.spend(tenant, "p", rate_class)
        except RateLimited:
            continue
        let_through += 1
    return let_through


async def test_calls_beyond_the_limit_are_told_when_to_come_back(keys, limiter):
    async with echo_server(keys, rate_limiter=limiter) as served:
        mine = served.auth(tenant_id=str(uuid4()))
        for _ in range(3):
            await served.stub.Say(served.say(), metadata=mine)
        call = served.stub.Say(served.say(), metadata=mine)
        error = await refused(call)
        headers = dict(await call.trailing_metadata())
        other = await served.stub.Say(served.say(), metadata=served.auth(tenant_id=str(uuid4())))

    retry = error_details_pb2.RetryInfo()
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error_info_from(error).reason == "RATE_LIMITED"
    assert error_info_from(error).metadata["rate_class"] == "read"
    assert status_from(error).details[1].Unpack(retry)
    assert 0 < retry.retry_delay.seconds <= 60
    assert headers["retry-after"] == headers["ratelimit-reset"] == str(retry.retry_delay.seconds)
    assert (headers["ratelimit-limit"], headers["ratelimit-remaining"]) == ("3", "0")
    assert other.text == "hello"


async def test_answers_to_the_gateway_say_what_is_left(keys, limiter):
    async with echo_server(keys, rate_limiter=limiter) as served:
        mine = (*served.auth(tenant_id=str(uuid4())), ("x-client-address", "203.0.113.9"))
        calls = [served.stub.Say(served.say(), metadata=mine) for _ in range(2)]
        left = []
        for call in calls:
            await call
            left.append(dict(await call.initial_metadata()))

    assert sorted(headers["ratelimit-remaining"] for headers in left) == ["1", "2"]
    assert {headers["ratelimit-limit"] for headers in left} == {"3"}
    assert all(0 < int(headers["ratelimit-reset"]) <= 60 for headers in left)


async def test_principals_of_a_tenant_have_budgets_of_their_own(limiter):
    tenant = str(uuid4())

    assert await spent(limiter, tenant, "read", 5) == 3
    await limiter.spend(tenant, "somebody else", "read")


async def test_processes_share_a_limit_and_never_let_more_through(redis_url):
    processes = [RateLimiter(redis_url, LIMITS) for _ in range(3)]
    tenant = str(uuid4())

    let_through = await asyncio.gather(*(spent(process, tenant, "bulk", 80) for process in processes))

    assert 100 - 3 * 2 <= sum(let_through) <= 100
    for process in processes:
        await process.close()


async def test_calls_at_once_share_one_lease(redis_url, limiter):
    tenant = str(uuid4())
    await asyncio.gather(*(limiter.spend(tenant, "p", "bulk") for _ in range(30)))

    client = redis.asyncio.Redis.from_url(redis_url)
    leased = int(await client.get(f"{KEY_PREFIX}:{tenant}:rpc:rate:bulk:100-in-60s:p"))
    await client.aclose()
    assert leased in {30, 32}


async def test_the_tightest_window_decides(limiter):
    assert await spent(limiter, str(uuid4()), "admin", 6) == 2


async def test_without_redis_the_process_counts_alone_and_comes_back(tmp_path):
    tmp_path.chmod(0o711)
    server = Valkey(tmp_path / "valkey", port=free_port(), password=secrets.token_urlsafe(8))
    server.start()
    limiter = RateLimiter(server.url(), LIMITS)
    before, during, after = (str(uuid4()) for _ in range(3))

    shared = await spent(limiter, before, "read", 5)
    await asyncio.to_thread(server.stop)
    alone = await spent(limiter, during, "read", 5)
    await asyncio.to_thread(server.start)
    limiter.ask_redis_again()
    again = await spent(limiter, after, "read", 5)
    client = redis.asyncio.Redis.from_url(server.url())
    counted = await client.keys("*")
    await client.aclose()
    await limiter.close()
    await asyncio.to_thread(server.stop)

    assert (shared, alone, again) == (3, 3, 3)
    assert not any(during.encode() in key for key in counted)
    assert any(after.encode() in key for key in counted)


async def test_public_methods_count_by_address_and_believe_only_trusted_proxies(keys, redis_url):
    async def opened(trusted: tuple[str, ...], addresses: list[str]) -> list[bool]:
        limiter = RateLimiter(redis_url, LIMITS)
        async with echo_server(keys, rate_limiter=limiter, trusted_proxies=trusted) as served:
            outcomes = []
            for address in addresses:
                try:
                    await served.stub.Open(served.say(), metadata=(("x-client-address", address),))
                except grpc.aio.AioRpcError:
                    outcomes.append(False)
                else:
                    outcomes.append(True)
        await limiter.close()
        return outcomes

    forged = [f"198.51.100.{number}" for number in range(4)]
    believed = await opened(("127.0.0.0/8",), [f"203.0.113.{number}" for number in range(4)])
    untrusted = await opened((), forged)

    assert believed == [True] * 4
    assert untrusted == [True, True, False, False]


async def test_health_is_never_limited(keys, limiter):
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    async with echo_server(keys, rate_limiter=limiter) as served:
        health = health_pb2_grpc.HealthStub(served.channel)
        for _ in range(20):
            assert (await health.Check(health_pb2.HealthCheckRequest())).status == 1


@pytest.mark.parametrize(
    ("peer", "header", "address"),
    [
        ("ipv4:127.0.0.1:5000", "203.0.113.9", "203.0.113.9"),
        ("ipv4:10.0.0.1:5000", "203.0.113.9", "10.0.0.1"),
        ("ipv4:127.0.0.1:5000", "203.0.113.9, 1.1.1.1", "127.0.0.1"),
        ("ipv4:127.0.0.1:5000", None, "127.0.0.1"),
        ("ipv6:[::1]:5000", "2001:db8::1", "2001:db8::1"),
        ("ipv6:%5B::1%5D:5000", None, "::1"),
        ("unix:", "203.0.113.9", "unix:"),
    ],
)
def test_address_is_the_proxys_word_only_when_it_is_trusted(peer, header, address):
    assert ClientAddresses(["127.0.0.0/8", "::1/128"]).of(peer, header) == address
