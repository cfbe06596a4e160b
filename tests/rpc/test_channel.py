"""Calls from one service to another: deadline, identity and trace go along; repeatable calls are retried."""

import asyncio
import json
import time

import grpc
import pytest

from libs.common.context import TenantScope, Work, acting_as, deadline_at, working_on
from libs.common.rpc.channel import connect, service_config
from libs.common.rpc.errors import DeadlineExceeded
from libs.common.rpc.expected import expected
from tests.rpc.protocol import echo
from tests.rpc.world import TENANT, refused

SERVICE = "tickettoken.testing.v1.EchoService"


@pytest.fixture
async def caller(served, keys):
    """A stub of the metrics service to the echo server."""
    identity = keys.identity("metrics")
    target = f"127.0.0.1:{served.server.port}"
    async with connect(target, settings=keys.settings(), identity=identity, services=[SERVICE]) as channel:
        with acting_as(identity.caller(TenantScope(TENANT), ["analytics.read", "analytics.write"])):
            yield echo()[1].EchoServiceStub(channel)


async def test_outgoing_call_carries_the_service_identity_and_the_callers_name(served, keys, caller):
    user = keys.identity().caller(TenantScope(TENANT), ["analytics.read"])

    with acting_as(user):
        answer = await caller.Restricted(served.say())

    assert answer.text == "metrics for service:metrics"
    assert answer.tenant_id == str(TENANT)


async def test_outgoing_call_may_no_more_than_its_caller(served, keys, caller):
    with acting_as(keys.identity().caller(TenantScope(TENANT), ["analytics.read"])):
        error = await refused(caller.Write(served.say()))

    assert error.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_request_id_and_trace_go_along(served, caller):
    with working_on(Work("job", "request-7", f"00-{'c' * 32}-{'d' * 16}-01")):
        answer = await caller.Say(served.say())

    assert answer.request_id == "request-7"


async def test_deadline_of_the_work_bounds_the_outgoing_call(served, caller):
    started = time.monotonic()
    with deadline_at(started + 0.3):
        error = await refused(caller.Say(served.say("sleep"), timeout=60))

    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - started < 10
    assert expected(error).reason == "DEPENDENCY_TIMED_OUT"


async def test_no_call_is_made_when_no_time_is_left(served, caller):
    with deadline_at(time.monotonic() - 1), pytest.raises(DeadlineExceeded):
        await caller.Say(served.say())


async def test_streams_carry_the_identity_too(served, caller):
    async def requests():
        yield served.say("a")

    watched = [answer.text async for answer in caller.Watch(served.say())]
    collected = await caller.Collect(requests())
    conversed = [answer.text async for answer in caller.Converse(requests())]

    assert (watched, collected.text, conversed) == (["first", "last"], "a", ["a"])


def test_only_repeatable_methods_are_retried():
    [retried] = service_config([SERVICE])["methodConfig"]

    assert {entry["method"] for entry in retried["name"]} == {"Say", "Restricted", "Open", "Watch"}
    assert retried["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]


@pytest.mark.parametrize(("method", "attempts"), [("Say", 3), ("Write", 1)])
async def test_unavailable_service_is_asked_again_only_for_repeatable_calls(keys, method, attempts):
    messages, stubs = echo()
    asked = 0

    async def unavailable_twice(_request, context):
        nonlocal asked
        asked += 1
        if asked < 3:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
        return messages.SayResponse(text="at last")

    server = grpc.aio.server()
    servicer = stubs.EchoServiceServicer()
    servicer.Say = servicer.Write = unavailable_twice
    stubs.add_EchoServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with connect(
        f"127.0.0.1:{port}", settings=keys.settings(), identity=None, services=[SERVICE]
    ) as channel:
        call = getattr(stubs.EchoServiceStub(channel), method)(messages.SayRequest(text="x"))
        if attempts == 1:
            assert (await refused(call)).code() is grpc.StatusCode.UNAVAILABLE
        else:
            assert (await call).text == "at last"
    await server.stop(0)

    assert asked == attempts


def test_service_config_is_plain_json():
    assert json.loads(json.dumps(service_config([SERVICE])))["loadBalancingConfig"] == [{"round_robin": {}}]


async def test_call_without_a_caller_is_a_mistake(served, keys):
    target = f"127.0.0.1:{served.server.port}"
    async with connect(
        target, settings=keys.settings(), identity=keys.identity(), services=[SERVICE]
    ) as channel:
        with pytest.raises(LookupError):
            await asyncio.wait_for(_called(echo()[1].EchoServiceStub(channel), served), 5)


async def _called(stub, served):
    return await stub.Say(served.say())
