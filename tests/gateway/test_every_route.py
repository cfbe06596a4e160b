"""Generated from the contract: no method is reachable without a token or without its permission."""

import re

import grpc
import pytest

from gateway.envoy.surface import Method, read_surface
from libs.common.rpc.status import error_info_from
from tests.gateway.front import DESCRIPTORS, VENUE, Front, error_of

METHODS = read_surface(DESCRIPTORS)
SERVED = [method for method in METHODS if not method.is_internal]
PROTECTED = [method for method in SERVED if not method.is_public]
ROUTES = [(method, route) for method in PROTECTED for route in method.routes]
_route_name = pytest.mark.parametrize(
    ("method", "route"), ROUTES, ids=[f"{route.verb} {route.template}" for _, route in ROUTES]
)
_method_name = pytest.mark.parametrize("method", PROTECTED, ids=[method.path for method in PROTECTED])


def _path(template: str) -> str:
    return re.sub(r"\{[^}]+\}", VENUE, template)


async def _call(front: Front, method: Method, metadata=()) -> grpc.aio.AioRpcError:
    """The refusal of a call with an empty message."""
    async with front.channel() as channel:
        if method.client_streams:
            # No message: one on its way when the refusal comes would be an error of the client's own.
            call = channel.stream_stream(method.path)(iter(()), metadata=metadata, timeout=10)
        else:
            call = channel.unary_stream(method.path)(b"", metadata=metadata, timeout=10)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            async for _ in call:
                pass
        return refused.value


def test_contract_has_methods_of_every_kind():
    assert len(ROUTES) > 20
    assert any(method.is_public for method in METHODS)
    assert any(method.is_internal for method in METHODS)


@_route_name
async def test_route_needs_a_token(anonymous, method, route):
    answer = await anonymous.request(
        route.verb, _path(route.template), json={} if route.verb == "POST" else None
    )

    assert answer.status_code == 401
    assert error_of(answer.json())["reason"] == "TOKEN_MISSING"


@_route_name
async def test_route_needs_its_permission(front: Front, anonymous, method, route):
    headers = front.tokens.header(permissions=["analytics.nothing"])

    answer = await anonymous.request(
        route.verb, _path(route.template), json={} if route.verb == "POST" else None, headers=headers
    )

    assert answer.status_code == 403, answer.text
    assert error_of(answer.json())["reason"] == "PERMISSION_MISSING"


@_method_name
async def test_method_needs_a_token_over_grpc(front: Front, method):
    refusal = await _call(front, method)

    assert refusal.code() is grpc.StatusCode.UNAUTHENTICATED
    assert error_info_from(refusal).reason == "TOKEN_MISSING"


@_method_name
async def test_method_needs_its_permission_over_grpc(front: Front, method):
    token = front.tokens.token(permissions=["analytics.nothing"])

    refusal = await _call(front, method, (("authorization", f"Bearer {token}"),))

    assert refusal.code() is grpc.StatusCode.PERMISSION_DENIED
    assert error_info_from(refusal).reason == "PERMISSION_MISSING"


@pytest.mark.parametrize("method", [one for one in METHODS if one.is_internal], ids=lambda one: one.path)
async def test_internal_method_is_not_served_to_the_outside(front: Front, method):
    refusal = await _call(front, method, (("authorization", f"Bearer {front.tokens.token()}"),))

    assert refusal.code() is grpc.StatusCode.UNIMPLEMENTED
    assert error_info_from(refusal).reason == "ROUTE_NOT_FOUND"


@pytest.mark.parametrize("path", [route.template for one in SERVED if one.is_public for route in one.routes])
async def test_public_route_needs_no_token(anonymous, path):
    answer = await anonymous.get(path)

    assert answer.status_code == 200, answer.text


async def test_list_of_health_is_not_served_to_the_outside(front: Front):
    async with front.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary("/grpc.health.v1.Health/List")(b"")

    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
