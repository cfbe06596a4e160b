"""Generated from the contract: who people are is told to callers with analytics.pii, and to nobody else.

Every answer of the customers contract is searched as it travels: the encoded message and the text of REST.
"""

from datetime import timedelta
from uuid import uuid4

import grpc
import httpx
import pytest
from google.protobuf import descriptor_pool
from tickettoken.customers.v1 import datasets_pb2, people_pb2, rows_pb2, search_pb2

from deploy.local.credentials import AUDIENCE, PERMISSIONS
from gateway.client import AnalyticsClient
from gateway.envoy.surface import read_surface
from libs.common.auth.identity import IdentityIssuer
from tests.gateway import test_every_customers_rpc as every
from tests.gateway.calling import by_http, by_stub
from tests.gateway.every_customers_rpc import DAY, NOT_OVER_REST, REQUESTS
from tests.gateway.front import DESCRIPTORS

world = every.world
"""A world of this module's own."""

METHODS = every.METHODS
PERSONAL = {
    "name": b"ottokar",
    "email": b"@example.org",
    "phone": b"4930555",
    "city": b"quedlinburg",
    "tags": b"steht-auf-cello",
}
"""What every guest's value holds and nothing else does, in small letters."""

FEW = sorted(set(PERMISSIONS) - {"analytics.pii"})
DATA_SETS = ("customers", "purchases", "scores")


def told_by(answer):
    """Which kinds of personal data an answer holds anywhere."""
    return {kind for kind, value in PERSONAL.items() if value in answer.lower()}


def request_of(name, world):
    """What to ask; the search is one that callers without the permission may make too."""
    if name == "SearchCustomers":
        return search_pb2.SearchCustomersRequest(venue_id=str(world.venue), q="guest0@example.org")
    return REQUESTS[name](world)


async def answers_of(stack, name, request, token):
    """The encoded message and the text of REST."""
    method, texts = METHODS[name], []

    async def note(response):
        texts.append(await response.aread())

    key = None if method.is_read_only else str(uuid4())
    direct = await by_stub(stack.grpc_targets["customers"], token, method, request, key=key)
    http = httpx.AsyncClient(base_url=stack.gateway_url, timeout=60, event_hooks={"response": [note]})
    async with http, AnalyticsClient(token=token, http=http) as client:
        await by_http(client, method, request, key=key)
    assert direct or name == "DeleteSegment"
    assert texts[-1]
    return direct, texts[-1]


def shows_identity(message, known=frozenset()):
    """Whether a message holds an Identity, at any depth."""
    if message.full_name == people_pb2.Identity.DESCRIPTOR.full_name:
        return True
    inner = [field.message_type for field in message.fields if field.message_type is not None]
    return any(
        shows_identity(one, known | {message.full_name}) for one in inner if one.full_name not in known
    )


def methods_with_identity():
    pool = descriptor_pool.Default()
    found = {
        name: pool.FindMethodByName(f"{method.service}.{name}").output_type
        for name, method in METHODS.items()
    }
    return sorted(name for name, output in found.items() if shows_identity(output))


SHOWING = {*methods_with_identity(), "ExportCustomerData"}
"""Methods whose contract tells who people are; records of an export are not typed."""


def test_methods_that_show_people_are_found_by_their_contract():
    assert {"GetCustomerProfile", "GetUserProfile", "SearchCustomers", "ListVenueCustomers"} <= SHOWING


@pytest.mark.parametrize("name", REQUESTS)
async def test_nobody_without_the_permission_is_told_who_anybody_is(stack, world, name):
    token = stack.token(world.tenant, permissions=FEW)

    direct, over_rest = await answers_of(stack, name, request_of(name, world), token)

    assert told_by(direct) == told_by(over_rest) == set()


@pytest.mark.parametrize("name", sorted(SHOWING))
async def test_who_may_know_is_told_by_the_methods_that_say_so(stack, world, name):
    token = stack.token(world.tenant)

    direct, over_rest = await answers_of(stack, name, request_of(name, world), token)

    assert told_by(direct) == told_by(over_rest) == set(PERSONAL)


@pytest.mark.parametrize(
    "name", [name for name in REQUESTS if METHODS[name].is_read_only and name not in SHOWING]
)
async def test_methods_that_do_not_say_so_tell_nobody(stack, world, name):
    direct, over_rest = await answers_of(stack, name, request_of(name, world), stack.token(world.tenant))

    assert told_by(direct) == told_by(over_rest) == set()


@pytest.mark.parametrize("dataset", DATA_SETS)
async def test_rows_of_exports_are_masked_alike(stack, world, dataset):
    masked = await rows_of(stack, world, dataset, FEW)
    whole = await rows_of(stack, world, dataset, PERMISSIONS)

    assert len(masked) == len(whole) > 1
    assert told_by(b"".join(masked)) == set()
    assert told_by(b"".join(whole)) == (set(PERSONAL) if dataset == "customers" else set())


async def rows_of(stack, world, dataset, permissions):
    """Encoded messages of an export, which services alone may ask for."""
    key = stack.credentials().identity_key("customers")
    token = IdentityIssuer("customers", key, AUDIENCE).token(
        world.tenant, permissions, None, timedelta(minutes=5)
    )
    request = rows_pb2.ExportRowsRequest(dataset=dataset)
    request.window.start_time.FromDatetime(world.now - 500 * DAY)
    request.window.end_time.FromDatetime(world.now + DAY)
    [method] = [one for one in read_surface(DESCRIPTORS) if one.path.endswith("CustomersService/ExportRows")]
    async with grpc.aio.insecure_channel(stack.grpc_targets["customers"]) as channel:
        call = channel.unary_stream(method.path)(
            request.SerializeToString(), metadata=(("authorization", f"Bearer {token}"),), timeout=60
        )
        return [message async for message in call]


@pytest.mark.parametrize("name", sorted(NOT_OVER_REST))
async def test_extracts_say_cities_to_those_who_may_know_alone(stack, world, name):
    def extract(*quasi_identifiers):
        return datasets_pb2.AnonymizeDatasetRequest(
            venue_id=str(world.venue),
            k=2,
            quasi_identifiers=quasi_identifiers,
            sensitive_column="order_count",
        )

    async def answer(request, permissions):
        token = stack.token(world.tenant, permissions=permissions)
        return await by_stub(stack.grpc_targets["customers"], token, METHODS[name], request)

    assert told_by(await answer(extract("registration_month", "spend"), FEW)) == set()
    assert told_by(await answer(extract("city"), PERMISSIONS)) == {"city"}
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await answer(extract("city"), FEW)
    assert "quasiIdentifiers" in refused.value.details()
