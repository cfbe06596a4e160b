"""The same call by stub and by HTTP client, for tests that walk over every method of the contract."""

import re

import grpc

from gateway.envoy.surface import Method, read_surface
from tests.gateway.front import DESCRIPTORS


def methods_of(domain: str) -> dict[str, Method]:
    """The methods of a domain that callers may use, by name."""
    return {
        method.name: method
        for method in read_surface(DESCRIPTORS)
        if method.domain == domain and not method.is_internal
    }


async def by_stub(target, token, method, request, *, key=None):
    """The encoded answer."""
    metadata = (("authorization", f"Bearer {token}"), *((("idempotency-key", key),) if key else ()))
    async with grpc.aio.insecure_channel(target) as channel:
        call = channel.unary_unary(
            method.path, request_serializer=lambda message: message.SerializeToString()
        )
        return await call(request, metadata=metadata, timeout=60)


async def by_http(client, method, request, *, key=None):
    """The answer of our own client."""
    service = _snake(method.service.rpartition(".")[2].removesuffix("Service"))
    call = getattr(getattr(client, service), _snake(method.name))
    return await (call(request) if key is None else call(request, idempotency_key=key))


def _snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
