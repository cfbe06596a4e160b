"""Generated from the contract: every method of metrics answers equally over gRPC and REST, to its own tenant.

The same call goes by stub straight to the service, by stub through the gateway, and by the HTTP client.
"""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import grpc
import httpx
import pytest
from google.protobuf.json_format import MessageToDict
from tickettoken.metrics.v1 import ingest_service_pb2, recording_pb2

from deploy.local.credentials import AUDIENCE, PERMISSIONS
from gateway.client import AnalyticsClient
from gateway.client.errors import NotFound, PermissionDenied
from gateway.envoy.surface import read_surface
from libs.common.auth.identity import IdentityIssuer
from libs.common.rpc.status import error_info_from
from tests.gateway.calling import by_http, by_stub, methods_of
from tests.gateway.every_rpc import METRIC, NOT_OVER_REST, REQUESTS, World
from tests.gateway.front import DESCRIPTORS

METHODS = methods_of("metrics")
UNARY = [name for name in REQUESTS if not METHODS[name].is_stream]
# Rows of bulk calls are judged one by one: a refusal is a verdict.
JUDGED = ("BulkRecordMetrics", "PublishEvents")


@pytest.fixture(scope="module")
async def world(stack):
    """A world whose facts have reached the read models."""
    made = World()
    async with AnalyticsClient(stack.gateway_url, stack.token(made.tenant)) as http:
        events = ingest_service_pb2.PublishEventsRequest(events=made.events())
        verdicts = await http.ingest.publish_events(events)
        assert verdicts.accepted_count == len(events.events), verdicts
        metric = recording_pb2.RecordMetricRequest(venue_id=str(made.venue), metric_type=METRIC, value=3)
        await http.metrics.record_metric(metric)
        for _ in range(300):
            doors = await http.realtime.get_doors_board(REQUESTS["GetDoorsBoard"](made, made.venue))
            sales = await http.analytics.get_revenue_summary(REQUESTS["GetRevenueSummary"](made, made.venue))
            funnel = await http.analytics.get_conversion_funnel(
                REQUESTS["GetConversionFunnel"](made, made.venue)
            )
            if (
                sales.current
                and sales.current[0].order_count == 43
                and doors.boards
                and doors.boards[0].inside_count == 1
                and funnel.steps[0].session_count == 2
            ):
                break
            await asyncio.sleep(0.1)
        else:
            raise AssertionError("the facts did not reach the read models in time")
    return made


def test_every_method_has_a_request():
    assert {*REQUESTS, *NOT_OVER_REST} == {*METHODS}
    assert all(METHODS[name].routes for name in REQUESTS)


@pytest.mark.parametrize("name", UNARY)
async def test_answers_are_equal_over_grpc_and_rest(stack, world, name):
    token = stack.token(world.tenant)
    request = REQUESTS[name](world, world.venue)
    key = None if METHODS[name].is_read_only else str(uuid4())

    async with AnalyticsClient(stack.gateway_url, token) as http:
        while True:
            began = datetime.now(UTC).minute
            over_rest = await by_http(http, METHODS[name], request, key=key)
            direct = await by_stub(stack.grpc_targets["metrics"], token, METHODS[name], request, key=key)
            through = await by_stub(stack.grpc_target, token, METHODS[name], request, key=key)
            # Answers about now say which minute they were made in.
            if datetime.now(UTC).minute == began:
                break

    answer = type(over_rest)
    assert timeless(answer.FromString(direct)) == timeless(over_rest)
    assert timeless(answer.FromString(through)) == timeless(over_rest)
    assert over_rest != answer(), "an empty answer says nothing about equality"


def timeless(message):
    """The message without what differs from one instant to the next: distances from now, windows up to it."""
    fields = MessageToDict(message, preserving_proto_field_name=True)
    if message.DESCRIPTOR.name in ("GetRealtimeSummaryResponse", "GetDashboardDataResponse"):
        fields = {name: value for name, value in fields.items() if not name.endswith("window")}
    for board in fields.get("boards", ()):
        board.pop("all_inside_at", None)
    for event in fields.get("events", ()):
        event.get("pacing", {}).pop("days_before_doors", None)
    return fields


@pytest.mark.parametrize("name", UNARY)
async def test_another_tenants_venue_is_not_found(stack, world, name):
    stranger = stack.token(uuid4())
    request = REQUESTS[name](world, world.venue)

    with_stub = by_stub(stack.grpc_targets["metrics"], stranger, METHODS[name], request)
    async with AnalyticsClient(stack.gateway_url, stranger) as http:
        over_rest = by_http(http, METHODS[name], request)
        if name in JUDGED:
            answer = await over_rest
            direct = type(answer).FromString(await with_stub)
            for judged in (answer, direct):
                assert {verdict.reason for verdict in judged.verdicts} == {"VENUE_NOT_FOUND"}
                assert judged.accepted_count == 0
            return
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await with_stub
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
        assert error_info_from(refused.value).reason == "VENUE_NOT_FOUND"
        with pytest.raises(NotFound) as refused_over_rest:
            await over_rest
        assert refused_over_rest.value.reason == "VENUE_NOT_FOUND"


@pytest.mark.parametrize("name", UNARY)
async def test_a_missing_permission_is_refused(stack, world, name):
    method = METHODS[name]
    others = {"analytics.read", "analytics.write", "analytics.ingest", "analytics.admin"}
    for missing in method.permissions:
        token = stack.token(world.tenant, permissions=sorted(others - {missing}))
        request = REQUESTS[name](world, world.venue)

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await by_stub(stack.grpc_targets["metrics"], token, METHODS[name], request)
        async with AnalyticsClient(stack.gateway_url, token) as http:
            with pytest.raises(PermissionDenied) as refused_over_rest:
                await by_http(http, METHODS[name], request)

        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert error_info_from(refused.value).reason == "PERMISSION_MISSING"
        assert refused_over_rest.value.reason == "PERMISSION_MISSING"


async def test_no_method_of_the_service_is_unimplemented(stack, world):
    identity = IdentityIssuer("metrics", stack.credentials().identity_key("metrics"), AUDIENCE)
    token = identity.token(world.tenant, PERMISSIONS)
    for method in read_surface(DESCRIPTORS):
        if method.domain != "metrics":
            continue
        async with grpc.aio.insecure_channel(stack.grpc_targets["metrics"]) as channel:
            empty = iter(()) if method.client_streams else b""
            call = (channel.stream_stream if method.client_streams else channel.unary_stream)(method.path)(
                empty, metadata=(("authorization", f"Bearer {token}"),), timeout=30
            )
            try:
                async for _ in call:
                    call.cancel()
            except (grpc.aio.AioRpcError, asyncio.CancelledError) as error:
                code = error.code() if isinstance(error, grpc.aio.AioRpcError) else None
                assert code is not grpc.StatusCode.UNIMPLEMENTED, method.path


async def test_routes_are_the_documented_ones(stack, world):
    """A raw request, without our client: the paths are those that the contract writes down."""
    headers = {"authorization": f"Bearer {stack.token(world.tenant)}"}
    async with httpx.AsyncClient(base_url=stack.gateway_url, headers=headers) as raw:
        for path in (f"/api/metrics/{world.venue}/realtime", f"/api/realtime/venue/{world.venue}/doors"):
            assert (await raw.get(path)).status_code == 200
