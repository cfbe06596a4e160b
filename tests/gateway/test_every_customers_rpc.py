"""Generated from the contract: customers answers every method equally over gRPC and REST, to its own tenant.

The same call goes by stub straight to the service, by stub through the gateway, and by the HTTP client.
"""

import asyncio
from uuid import uuid4

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from tickettoken.customers.v1 import insights_pb2
from tickettoken.metrics.v1 import ingest_service_pb2

from deploy.local.credentials import AUDIENCE, PERMISSIONS
from gateway.client import AnalyticsClient
from gateway.client.errors import NotFound, PermissionDenied
from gateway.envoy.surface import read_surface
from libs.common.auth.identity import IdentityIssuer
from libs.common.postgres.database import Database
from libs.common.rpc.status import error_info_from
from services.customers.views.refreshes import VIEWS, Refreshes
from tests.gateway.calling import by_http, by_stub, methods_of
from tests.gateway.every_customers_rpc import NOT_OVER_REST, REQUESTS, World
from tests.gateway.front import DESCRIPTORS

METHODS = methods_of("customers")

# What is not found when a stranger asks: the first of these that the request names.
_MISSING = {
    "venue_id": "VENUE_NOT_FOUND",
    "campaign_id": "CAMPAIGN_NOT_FOUND",
    "insight_id": "INSIGHT_NOT_FOUND",
    "erasure_id": "ERASURE_NOT_FOUND",
    "customer_id": "CUSTOMER_NOT_FOUND",
    "user_id": "CUSTOMER_NOT_FOUND",
}


@pytest.fixture(scope="module")
async def world(stack):
    """A world whose facts have reached the read models, with a campaign, a finding and an erasure."""
    made = World()
    async with AnalyticsClient(stack.gateway_url, stack.token(made.tenant)) as http:
        events = made.events()
        for start in range(0, len(events), 500):
            request = ingest_service_pb2.PublishEventsRequest(events=events[start : start + 500])
            verdicts = await http.ingest.publish_events(request)
            assert verdicts.accepted_count == len(request.events), verdicts
        await _until_scored(http, made)
        await _views_refreshed(stack)
        fitted = await asyncio.to_thread(
            stack.service_command, "customers", "fit", "--tenant", str(made.tenant)
        )
        assert fitted.returncode == 0, fitted.stderr
        created = await http.campaigns.create_campaign(REQUESTS["CreateCampaign"](made))
        made.campaign.CopyFrom(created.campaign)
        await http.campaigns.track_touchpoint(REQUESTS["TrackTouchpoint"](made))
        erased = await http.privacy.erase_customer(REQUESTS["EraseCustomer"](made))
        made.erasure = erased.erasure.erasure_id
        await http.insights.refresh_insights(REQUESTS["RefreshInsights"](made))
        found = await http.insights.list_insights(
            insights_pb2.ListInsightsRequest(venue_id=str(made.venue), type="data_freshness")
        )
        assert found.insights, "sales that stop are a finding"
        made.insight = found.insights[0].insight_id
    return made


async def _until_scored(http, made):
    for _ in range(600):
        try:
            answer = await http.customers.get_rfm(REQUESTS["GetRfm"](made))
            if answer.HasField("scores"):
                return
        except NotFound:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError("the facts did not reach the scores in time")


async def _views_refreshed(stack):
    """The views hold the facts now, so that their scheduled refresh changes no answer between two calls."""
    worker = Database.connect(stack.urls["customers_worker"], application_name="tests", pool_size=1)
    for view in VIEWS:
        await Refreshes(worker).refresh(view)
    await worker.close()


def test_every_method_has_a_request():
    assert {*REQUESTS, *NOT_OVER_REST} == {*METHODS}
    assert all(METHODS[name].routes for name in REQUESTS)


@pytest.mark.parametrize("name", REQUESTS)
async def test_answers_are_equal_over_grpc_and_rest(stack, world, name):
    token = stack.token(world.tenant)
    method, request = METHODS[name], REQUESTS[name](world)
    key = None if method.is_read_only else str(uuid4())

    async with AnalyticsClient(stack.gateway_url, token) as http:
        over_rest = await by_http(http, method, request, key=key)
    direct = await by_stub(stack.grpc_targets["customers"], token, method, request, key=key)
    through = await by_stub(stack.grpc_target, token, method, request, key=key)

    answer = type(over_rest)
    assert told(answer.FromString(direct)) == told(over_rest)
    assert told(answer.FromString(through)) == told(over_rest)
    assert over_rest != answer() or name == "DeleteSegment", "an empty answer says nothing about equality"


def told(message):
    """The message; of a page token only whether there is one, as no two are sealed alike."""
    fields = MessageToDict(message, always_print_fields_with_no_presence=True)
    if "nextPageToken" in fields:
        fields["nextPageToken"] = bool(fields["nextPageToken"])
    return fields


@pytest.mark.parametrize("name", REQUESTS)
async def test_what_belongs_to_another_tenant_is_not_found(stack, world, name):
    stranger = stack.token(uuid4())
    method, request = METHODS[name], REQUESTS[name](world)
    reason = next(_MISSING[field.name] for field, _ in request.ListFields() if field.name in _MISSING)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await by_stub(stack.grpc_targets["customers"], stranger, method, request)
    async with AnalyticsClient(stack.gateway_url, stranger) as http:
        with pytest.raises(NotFound) as refused_over_rest:
            await by_http(http, method, request)

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert error_info_from(refused.value).reason == reason
    assert refused_over_rest.value.reason == reason


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_missing_permission_is_refused(stack, world, name):
    method, request = METHODS[name], REQUESTS[name](world)
    for missing in method.permissions:
        token = stack.token(world.tenant, permissions=sorted(set(PERMISSIONS) - {missing}))

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await by_stub(stack.grpc_targets["customers"], token, method, request)
        async with AnalyticsClient(stack.gateway_url, token) as http:
            with pytest.raises(PermissionDenied) as refused_over_rest:
                await by_http(http, method, request)

        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert error_info_from(refused.value).reason == "PERMISSION_MISSING"
        assert refused_over_rest.value.reason == "PERMISSION_MISSING"


async def test_no_method_of_the_service_is_unimplemented(stack, world):
    identity = IdentityIssuer("customers", stack.credentials().identity_key("customers"), AUDIENCE)
    token = identity.token(world.tenant, PERMISSIONS)
    for method in read_surface(DESCRIPTORS):
        if method.domain != "customers":
            continue
        async with grpc.aio.insecure_channel(stack.grpc_targets["customers"]) as channel:
            call = channel.unary_stream(method.path)(
                b"", metadata=(("authorization", f"Bearer {token}"),), timeout=30
            )
            try:
                async for _ in call:
                    call.cancel()
            except (grpc.aio.AioRpcError, asyncio.CancelledError) as error:
                code = error.code() if isinstance(error, grpc.aio.AioRpcError) else None
                assert code is not grpc.StatusCode.UNIMPLEMENTED, method.path
