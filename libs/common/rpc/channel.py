"""Channels to other services: deadline, identity and trace go along; only repeatable calls are retried."""

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import grpc
from google.protobuf import descriptor_pool

from libs.common.context import Caller, caller_or_none, current_deadline, current_work
from libs.common.observability.tracing import current_traceparent
from libs.common.rpc.credentials import channel_credentials
from libs.common.rpc.errors import DeadlineExceeded
from libs.common.rpc.methods import service_config_methods
from libs.common.settings import ProcessSettings

_RETRY = {
    "maxAttempts": 4,
    "initialBackoff": "0.05s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2.0,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_SCHEMES = ("dns:", "xds:", "unix:", "ipv4:", "ipv6:")


class TokenSource(Protocol):
    """Makes the token that an outgoing call carries for a caller: `IdentityIssuer` is one."""

    def token_for(self, caller: Caller) -> str: ...


def connect(
    target: str, *, settings: ProcessSettings, identity: TokenSource | None, services: Sequence[str]
) -> grpc.aio.Channel:
    """A channel to another service of the mesh.

    A call made with it inherits the deadline of the work in progress (or gets the default one), carries an
    internal token for the current caller, and the trace. Calls of methods that the contract calls repeatable
    are retried when the service is unavailable, with backoff and within the deadline.

    Args:
        target: host:port, dns:///name:port (balanced round robin), xds:///name, or unix:path.
        settings: TLS files and the default deadline.
        identity: Signs the tokens; None sends calls without one (health, reflection).
        services: Full names of the services that will be called.
    """
    interceptors = [_outgoing(kind, settings, identity) for kind in _KINDS]
    options = [
        ("grpc.service_config", json.dumps(service_config(services))),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 0),
        ("grpc.max_receive_message_length", 64 << 20),
        ("grpc.max_metadata_size", 32 << 10),
        ("grpc.enable_retries", 1),
    ]
    name = target if target.startswith(_SCHEMES) else f"dns:///{target}"
    credentials = channel_credentials(settings)
    if credentials is None:
        return grpc.aio.insecure_channel(name, options=options, interceptors=interceptors)
    if name.startswith("xds:"):
        credentials = grpc.xds_channel_credentials(credentials)
    return grpc.aio.secure_channel(name, credentials, options=options, interceptors=interceptors)


def service_config(services: Sequence[str]) -> dict[str, object]:
    """Round robin over all addresses, and retries for the methods that may be repeated."""
    pool = descriptor_pool.Default()
    repeatable = [
        name
        for service in services
        for name in service_config_methods(pool.FindServiceByName(service), repeatable=True)
    ]
    retried = [{"name": repeatable, "retryPolicy": _RETRY}] if repeatable else []
    return {"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": retried}


class _Outgoing:
    """Adds deadline, token and trace to one kind of call."""

    def __init__(self, settings: ProcessSettings, identity: TokenSource | None) -> None:
        self._default_deadline = settings.default_deadline_seconds
        self._identity = identity

    def details(self, details: grpc.aio.ClientCallDetails, *, is_stream: bool) -> grpc.aio.ClientCallDetails:
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        caller = caller_or_none()
        if self._identity is not None and metadata.get("authorization") is None:
            if caller is None:
                raise LookupError("no caller: make this call inside a call or acting_as()")
            metadata.add("authorization", f"Bearer {self._identity.token_for(caller)}")
        if (traceparent := current_traceparent()) is not None:
            metadata.add("traceparent", traceparent)
        if (work := current_work()) is not None:
            metadata.add("x-request-id", work.request_id)
        return grpc.aio.ClientCallDetails(
            details.method,
            self._timeout(details.timeout, is_stream=is_stream),
            metadata,
            details.credentials,
            details.wait_for_ready,
        )

    def _timeout(self, wanted: float | None, *, is_stream: bool) -> float | None:
        deadline = current_deadline()
        if deadline is None:
            return wanted if wanted is not None or is_stream else self._default_deadline
        left = deadline - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded("no time is left for this call")
        return left if wanted is None else min(wanted, left)


class _UnaryUnary(_Outgoing, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self, continuation: Callable[..., Awaitable[Any]], client_call_details: Any, request: Any
    ) -> Any:
        return await continuation(self.details(client_call_details, is_stream=False), request)


class _UnaryStream(_Outgoing, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self, continuation: Callable[..., Awaitable[Any]], client_call_details: Any, request: Any
    ) -> Any:
        return await continuation(self.details(client_call_details, is_stream=True), request)


class _StreamUnary(_Outgoing, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(
        self, continuation: Callable[..., Awaitable[Any]], client_call_details: Any, request_iterator: Any
    ) -> Any:
        return await continuation(self.details(client_call_details, is_stream=True), request_iterator)


class _StreamStream(_Outgoing, grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(
        self, continuation: Callable[..., Awaitable[Any]], client_call_details: Any, request_iterator: Any
    ) -> Any:
        return await continuation(self.details(client_call_details, is_stream=True), request_iterator)


_KINDS = (_UnaryUnary, _UnaryStream, _StreamUnary, _StreamStream)


def _outgoing(
    kind: type[_Outgoing], settings: ProcessSettings, identity: TokenSource | None
) -> grpc.aio.ClientInterceptor:
    interceptor = kind(settings, identity)
    assert isinstance(interceptor, grpc.aio.ClientInterceptor)
    return interceptor
