"""Keys, tokens and an echo server: what a test of calls needs around it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import grpc
import jwt

from libs.common.auth.identity import IdentityIssuer
from libs.common.auth.keys import (
    generate_private_key,
    jwks_document,
    load_private_key,
    public_jwk,
    signature_algorithm,
)
from libs.common.auth.tokens import TokenVerifier
from libs.common.context import current_caller, current_work
from libs.common.errors import AnalyticsError, Kind
from libs.common.rpc.claims import claims_idempotency_itself, current_claim
from libs.common.rpc.server import RpcServer
from libs.common.settings import ProcessSettings
from tests.rpc.protocol import echo

ISSUER = "https://issuer.test"
AUDIENCE = "tickettoken"
ECHO = "/tickettoken.testing.v1.EchoService"
NULL = object()
EVERYTHING = ("analytics.read", "analytics.write", "analytics.admin")


class NotToday(AnalyticsError):
    """A refusal of the echo servicer."""

    kind = Kind.FAILED_PRECONDITION
    reason = "ECHO_NOT_TODAY"


@dataclass
class Keys:
    """A folder of keys: the users' issuer's, two services', and somebody's whom nobody trusts."""

    folder: Path
    algorithm: str = "ES256"
    files: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("user", "metrics", "reporting", "stranger"):
            self.files[name] = self.folder / f"{name}.pem"
            generate_private_key(self.files[name], self.algorithm)
        self.jwks = self.folder / "jwks.json"
        self.jwks.write_text(jwks_document({self.files["user"]: None}))
        self.internal_jwks = self.folder / "internal-jwks.json"
        owners = {self.files[name]: name for name in ("metrics", "reporting")}
        self.internal_jwks.write_text(jwks_document(owners))

    def token(self, *, signer: str = "user", headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A user's token; a claim or header given as None is left out, a claim given as NULL is null."""
        key = load_private_key(self.files[signer])
        now = int(time.time())
        content = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "user-1",
            "tenant_id": str(TENANT),
            "permissions": list(EVERYTHING),
            "iat": now,
            "exp": now + 300,
        } | claims
        content = {
            name: None if value is NULL else value for name, value in content.items() if value is not None
        }
        header = {"kid": public_jwk(key)["kid"]} | (headers or {})
        header = {name: value for name, value in header.items() if value is not None}
        return jwt.encode(content, key, signature_algorithm(key), headers=header)

    def identity(self, service: str = "metrics") -> IdentityIssuer:
        return IdentityIssuer(service, self.files[service], AUDIENCE)

    def settings(self, **changes: Any) -> ProcessSettings:
        values = {
            "jwks": str(self.jwks),
            "internal_jwks": str(self.internal_jwks),
            "jwt_issuer": ISSUER,
            "jwt_audience": AUDIENCE,
            "identity_key_path": str(self.files["metrics"]),
            "redis_url": "redis://127.0.0.1:1",
            "drain_seconds": 2.0,
        }
        return ProcessSettings(**(values | changes))


TENANT = UUID("7f1b1c1e-0000-4000-8000-000000000001")


class EchoServicer:
    """Answers with the text it got; some texts ask for trouble."""

    def __init__(self) -> None:
        self.messages, _ = echo()
        self.calls = 0
        self.closed = asyncio.Event()
        self.release = asyncio.Event()
        self.entered = asyncio.Event()

    async def Say(self, request, context):
        self.calls += 1
        if request.text == "crash":
            raise RuntimeError("select secret from vault")
        if request.text == "not today":
            raise NotToday("come back tomorrow", weekday="monday")
        if request.text == "wait":
            self.entered.set()
            await self.release.wait()
        if request.text == "sleep":
            await asyncio.sleep(30)
        return self.answer(request.text)

    async def Write(self, request, context):
        return await self.Say(request, context)

    @claims_idempotency_itself
    async def WriteItself(self, request, context):
        claim = current_claim()
        return self.answer("no claim" if claim is None else f"{claim.method} {claim.tenant_id}")

    async def Restricted(self, request, context):
        return self.answer(f"{current_caller().actor} for {current_caller().subject}")

    async def Open(self, request, context):
        return self.messages.SayResponse(text=request.text)

    async def Watch(self, request, context):
        try:
            yield self.answer("first")
            if request.text == "crash":
                raise RuntimeError("select secret from vault")
            if request.text == "forever":
                await asyncio.Event().wait()
            yield self.answer("last")
        finally:
            self.closed.set()

    async def Collect(self, requests, context):
        texts = [request.text async for request in requests]
        return self.answer(",".join(texts))

    async def Converse(self, requests, context):
        async for request in requests:
            yield self.answer(request.text)

    def answer(self, text: str):
        work = current_work()
        return self.messages.SayResponse(
            text=text, tenant_id=str(current_caller().tenant_id), request_id=work.request_id if work else ""
        )


@dataclass
class Echo:
    """A running echo server and how to call it."""

    server: RpcServer
    servicer: EchoServicer
    keys: Keys
    channel: grpc.aio.Channel
    stub: Any
    messages: Any

    def auth(self, **claims: Any) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.keys.token(**claims)}"),)

    def say(self, text: str = "hello", **fields: Any):
        return self.messages.SayRequest(text=text, **fields)


@asynccontextmanager
async def echo_server(
    keys: Keys, *, rate_limiter=None, answers=None, dependencies=None, **settings: Any
) -> AsyncIterator[Echo]:
    """An echo server on loopback with a plain channel to it."""
    messages, stubs = echo()
    servicer = EchoServicer()
    configured = keys.settings(**settings)
    server = RpcServer(
        settings=configured,
        service="echo",
        verifier=TokenVerifier.from_settings(configured),
        rate_limiter=rate_limiter,
        idempotency=answers,
        dependencies=dependencies or {},
    )
    server.add(stubs.add_EchoServiceServicer_to_server, _with_base(stubs.EchoServiceServicer, servicer))
    port = await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Echo(server, servicer, keys, channel, stubs.EchoServiceStub(channel), messages)
    await server.close()


def _with_base(base: type, servicer: EchoServicer) -> Any:
    """The servicer, with the generated answer for the method it does not write."""
    servicer.Unwritten = base().Unwritten
    return servicer


async def refused(call) -> grpc.aio.AioRpcError:
    """The error a call ends with."""
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError(f"the call was answered: {answer!r}")


def some_uuid() -> str:
    return str(uuid4())
