"""Generated from the contract: no text with U+0000, which PostgreSQL cannot keep, gets into a service.

Every place of every request is tried, over gRPC and, where there is a route, over REST.
"""

import re

import grpc
import pytest
from google.protobuf import json_format

from deploy.local.credentials import PERMISSIONS
from gateway.client.encoding import body_of, path_of, query_of
from gateway.envoy.surface import read_surface
from gateway.rest import Route
from libs.common.auth.identity import IdentityIssuer
from libs.common.rpc.status import status_from
from tests.gateway.front import AUDIENCE, DESCRIPTORS, TENANT, VENUE, Front, error_of
from tests.gateway.texts import bad_texts_of

REFUSED = "must not contain the character U+0000"
METHODS = [method for method in read_surface(DESCRIPTORS) if bad_texts_of(method)]
OUTSIDE = [method for method in METHODS if not method.is_internal]
INTERNAL = [method for method in METHODS if method.is_internal]
ROUTES = [
    (method, Route(route.verb, route.template, route.verb in {"POST", "PUT", "PATCH"}, method.is_read_only))
    for method in OUTSIDE
    for route in method.routes
]
_PLACE = re.compile(r"{(\w+)}")


def _named(method):
    return method.path


def test_places_of_every_shape_are_tried():
    places = {bad.path for method in METHODS for bad in bad_texts_of(method)}

    assert len(METHODS) > 70
    assert {"venueId", "dimensions[]", 'dimensions["k"]', "metadata", "dimension[0]"} <= places
    assert any("." in place for place in places)


@pytest.mark.parametrize("method", OUTSIDE, ids=_named)
async def test_is_refused_over_grpc(front: Front, method):
    token = front.tokens.token(permissions=list(PERMISSIONS))

    async with front.channel() as channel:
        refusals = await _refusals(channel, method, token)

    assert refusals == {path: ("INVALID_ARGUMENT", [path]) for path in refusals}
    assert refusals


@pytest.mark.parametrize("method", INTERNAL, ids=_named)
async def test_is_refused_among_services(front: Front, method):
    token = IdentityIssuer("edge", front.tokens.identity, AUDIENCE).token(TENANT, PERMISSIONS)

    async with grpc.aio.insecure_channel(f"127.0.0.1:{front.service.port}") as channel:
        refusals = await _refusals(channel, method, token)

    assert refusals == {path: ("INVALID_ARGUMENT", [path]) for path in refusals}
    assert refusals


@pytest.mark.parametrize(
    ("method", "route"), ROUTES, ids=[f"{route.verb} {route.path}" for _, route in ROUTES]
)
async def test_is_refused_over_rest(front: Front, anonymous, method, route):
    headers = front.tokens.header(permissions=list(PERMISSIONS)) | {"content-type": "application/json"}
    in_path = _PLACE.findall(route.path)

    refusals, expected = {}, {}
    for bad in bad_texts_of(method):
        request = bad.request
        for name in in_path:
            if name != bad.name:
                setattr(request, name, VENUE)
        answer = await anonymous.request(
            route.verb,
            path_of(route, request),
            params=query_of(route, request),
            content=body_of(route, request),
            headers=headers,
        )
        reason = error_of(answer.json())["reason"]
        refusals[bad.path] = answer.status_code, reason, _refused_texts(answer.json())
        # No address may hold it at all: the gateway itself refuses such a path.
        is_address = bad.name in in_path
        expected[bad.path] = (
            (400, "REQUEST_MALFORMED", []) if is_address else (400, "INVALID_FIELD", [bad.path])
        )

    assert refusals == expected


async def _refusals(channel, method, token) -> dict[str, tuple[str, list[str]]]:
    """By the place of the bad text: the code of the refusal, and the texts that it names."""
    metadata = (("authorization", f"Bearer {token}"),)
    refusals = {}
    for bad in bad_texts_of(method):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            if method.client_streams:
                call = channel.stream_stream(method.path)
                async for _ in call(iter((bad.request.SerializeToString(),)), metadata=metadata, timeout=20):
                    pass
            else:
                call = channel.unary_stream(method.path)
                async for _ in call(bad.request.SerializeToString(), metadata=metadata, timeout=20):
                    pass
        status = json_format.MessageToDict(status_from(refused.value))
        refusals[bad.path] = refused.value.code().name, _refused_texts(status)
    return refusals


def _refused_texts(status: dict) -> list[str]:
    """The fields of a BadRequest that are refused for U+0000."""
    requests = [
        one for one in status["details"] if one["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    ]
    return [
        violation["field"]
        for one in requests
        for violation in one["fieldViolations"]
        if violation["description"] == REFUSED
    ]
