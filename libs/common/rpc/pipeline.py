"""The one way through which every call goes: admit, parse, validate, once per key, handle, answer or refuse.

Each method is wrapped once, when it is registered; there is no interceptor to run and no handler to look up
per call. The wrappers take and give bytes: a refused call is never parsed, a repeated answer never rebuilt.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, NoReturn

import grpc
import structlog
from google.protobuf.message import Message

from libs.common.auth.errors import TokenExpired
from libs.common.errors import AnalyticsError
from libs.common.observability import tracing
from libs.common.observability.prometheus import UNEXPECTED
from libs.common.rpc.admission import Admission
from libs.common.rpc.call import Call, Context, MethodMeter, initial_metadata
from libs.common.rpc.claims import HEADER, AnswerStore, Claim, does_claim_itself, hand_over
from libs.common.rpc.errors import (
    DeadlineExceeded,
    IdempotencyKeyUnsupported,
    InternalError,
    MethodNotImplemented,
    RateLimited,
)
from libs.common.rpc.expected import expected
from libs.common.rpc.methods import MethodPolicy
from libs.common.rpc.ratelimit import Allowance
from libs.common.rpc.status import CODES, trailing_metadata
from libs.common.rpc.validation import check, check_repeated, compile_rules, parsed

_log = structlog.get_logger(__name__)

# A servicer says its closing words when the token expires; a stream that does not is cut a second later.
_CLOSING_WORDS_SECONDS = 1.0

Method = Callable[[Any, Context], Any]


class Pipeline:
    """Wraps servicer methods.

    Args:
        admission: Says who may call.
        answers: Keeps answers to idempotency keys; None for a service that owns no store.
        default_deadline: Seconds that a unary call gets when its caller gives none.
        longest_deadline: Seconds that a unary call gets at most.
    """

    def __init__(
        self,
        *,
        admission: Admission,
        answers: AnswerStore | None,
        default_deadline: float,
        longest_deadline: float,
    ) -> None:
        self._admission = admission
        self._answers = answers
        self._default_deadline = default_deadline
        self._longest_deadline = longest_deadline

    def wrap(self, policy: MethodPolicy, method: Method) -> "grpc.RpcMethodHandler[Any, Any]":
        """The handler of one method; its request's rules are compiled here.

        Raises:
            ContractRefused: A rule of the request message cannot be compiled.
        """
        compile_rules(policy.request)
        bound = _BoundMethod(self, policy, method)
        if policy.takes_stream and policy.gives_stream:
            return grpc.stream_stream_rpc_method_handler(bound.stream)
        if policy.takes_stream:
            return grpc.stream_unary_rpc_method_handler(bound.stream)
        if policy.gives_stream:
            return grpc.unary_stream_rpc_method_handler(bound.stream)
        return grpc.unary_unary_rpc_method_handler(bound.unary)

    def begin(self, policy: MethodPolicy, meter: MethodMeter, context: Context) -> Call:
        return Call(policy, meter, context, default=self._default_deadline, longest=self._longest_deadline)

    async def admit(self, call: Call, context: Context) -> Allowance | None:
        return await self._admission.admit(call, context)

    def claim(self, call: Call, request: Message) -> Claim | None:
        """The call's claim, or None when it gave no key or has no effect that could happen twice.

        Raises:
            IdempotencyKeyUnsupported: Nothing would keep the answer.
            IdempotencyKeyInvalid: The key is malformed.
        """
        key = call.text(HEADER)
        if key is None or call.policy.is_read_only or call.caller is None:
            return None
        return Claim.of(call.caller, call.policy.path, key, request)

    async def once(self, call: Call, claim: Claim, work: Callable[[], Awaitable[bytes]]) -> bytes:
        """The answer of `work`, which is done at most once per key."""
        if self._answers is not None and call.caller is not None:
            return await self._answers.run(claim, call.caller.scope, work)
        if call.policy.is_repeatable:
            return await work()
        raise IdempotencyKeyUnsupported("this service keeps no answers: leave the idempotency key out")


class _BoundMethod:
    """One servicer method with its policy: what gRPC calls."""

    def __init__(self, pipeline: Pipeline, policy: MethodPolicy, method: Method) -> None:
        self._pipeline = pipeline
        self._policy = policy
        self._method = method if _is_written(method) else _refuse_unwritten
        self._claims_itself = does_claim_itself(method)
        self._meter = MethodMeter(policy.path)

    async def unary(self, data: bytes, context: Context) -> bytes:
        call = self._pipeline.begin(self._policy, self._meter, context)
        try:
            allowance = await self._pipeline.admit(call, context)
            request = parsed(self._policy.request, data)
            if self._policy.is_read_only:
                check_repeated(request, data)
            else:
                check(request, data)
            if call.is_deadline_ours or tracing.is_recording():
                answer = await self._observed(call, request, context)
            else:
                answer = await self._handled(call, request, context)
            if allowance is not None and call.came_through_gateway:
                await context.send_initial_metadata(allowance.headers())
        except BaseException as error:  # noqa: BLE001 - every way out of a call is counted, and none may leak its text
            await _end(call, context, error)
        call.finished("OK")
        return answer

    async def stream(self, incoming: Any, context: Context) -> bytes | None:
        """A method with a stream on either side; it writes answers itself, to close generators in time."""
        call = self._pipeline.begin(self._policy, self._meter, context)
        answer = None
        try:
            await self._pipeline.admit(call, context)
            self._refuse_key(call)
            with tracing.span(self._policy.path, parent=call.work.traceparent):
                answer = await self._until_token_expires(call, incoming, context)
        except BaseException as error:  # noqa: BLE001 - see unary
            await _end(call, context, error)
        call.finished("OK")
        return answer

    async def _handled(self, call: Call, request: Message, context: Context) -> bytes:
        claim = self._pipeline.claim(call, request)
        if claim is None:
            return await self._serialized(request, context)
        if self._claims_itself:
            hand_over(claim)
            return await self._serialized(request, context)
        return await self._pipeline.once(call, claim, lambda: self._serialized(request, context))

    async def _serialized(self, request: Any, context: Context) -> bytes:
        answer: Message = await self._method(request, context)
        return answer.SerializeToString()

    async def _observed(self, call: Call, request: Message, context: Context) -> bytes:
        """Handled under a span, and under this process's own deadline when the peer's does not bind it."""
        left = (
            call.deadline - time.monotonic() if call.is_deadline_ours and call.deadline is not None else None
        )
        limit = asyncio.timeout(left)
        try:
            with tracing.span(self._policy.path, parent=call.work.traceparent):
                async with limit:
                    return await self._handled(call, request, context)
        except TimeoutError as error:
            if limit.expired():
                raise DeadlineExceeded("the call took longer than its deadline") from error
            raise

    async def _until_token_expires(self, call: Call, incoming: Any, context: Context) -> bytes | None:
        limit = asyncio.timeout(_seconds_left(call))
        try:
            async with limit:
                return await self._streamed(call, incoming, context)
        except TimeoutError as error:
            if limit.expired():
                raise TokenExpired("the token has expired") from error
            raise

    async def _streamed(self, call: Call, incoming: Any, context: Context) -> bytes | None:
        if not self._policy.takes_stream:
            await self._written(call, self._checked(call, incoming), context)
            return None
        async with aclosing(self._messages(call, incoming)) as requests:
            if not self._policy.gives_stream:
                return await self._serialized(requests, context)
            await self._written(call, requests, context)
            return None

    async def _messages(self, call: Call, incoming: AsyncIterator[bytes]) -> AsyncGenerator[Message, None]:
        async for data in incoming:
            yield self._checked(call, data)

    def _checked(self, call: Call, data: bytes) -> Message:
        call.received += 1
        request = parsed(self._policy.request, data)
        check(request, data)
        return request

    async def _written(self, call: Call, request: Any, context: Context) -> None:
        async with aclosing(self._method(request, context)) as answers:
            async for answer in answers:
                call.sent += 1
                # A stream to many hands over bytes: it has serialised the message once for all of them.
                await context.write(answer if isinstance(answer, bytes) else answer.SerializeToString())

    def _refuse_key(self, call: Call) -> None:
        if HEADER in call.metadata and not self._policy.is_read_only:
            raise IdempotencyKeyUnsupported("streams take no idempotency key: their messages carry sequences")


def _is_written(method: Method) -> bool:
    """Whether a servicer has this method itself: generated base classes answer with a text of their own."""
    return not getattr(method, "__module__", "").endswith("_pb2_grpc")


def _refuse_unwritten(_request: Any, _context: Context) -> NoReturn:
    raise MethodNotImplemented("this method is not implemented here")


def _seconds_left(call: Call) -> float | None:
    """Seconds until the stream is cut; a token within the leeway leaves time for closing words only."""
    if call.caller is None:
        return None
    return max(0.0, call.caller.expires_at.timestamp() - time.time()) + _CLOSING_WORDS_SECONDS


async def _end(call: Call, context: Context, error: BaseException) -> NoReturn:
    """End the call with the status that fits the error; cancellation passes through."""
    if not isinstance(error, Exception) or isinstance(error, grpc.aio.AbortError):
        call.finished("CANCELLED" if isinstance(error, asyncio.CancelledError) else "ABORTED_BY_SERVICER")
        raise error
    refusal = expected(error) or _unexpected(call, error)
    call.finished(refusal.kind.value, refusal.reason)
    # Without initial metadata a refusal is one frame of headers. Only so a gateway can still choose the HTTP
    # status of a stream, try a read again, and pass the headers on.
    headers = () if call.sent else initial_metadata(call, _retry_headers(refusal))
    details: tuple[tuple[str, str | bytes], ...] = (*headers, *trailing_metadata(refusal))
    await context.abort(CODES[refusal.kind], refusal.message, details)
    raise AssertionError("unreachable: abort raises")


def _unexpected(call: Call, error: Exception) -> AnalyticsError:
    UNEXPECTED.labels(call.policy.path).inc()
    _log.error("unexpected error", exc_info=error)
    return InternalError("internal error", request_id=call.work.request_id)


def _retry_headers(refusal: AnalyticsError) -> tuple[tuple[str, str], ...]:
    if refusal.retry_after is None:
        return ()
    seconds = str(max(1, round(refusal.retry_after.total_seconds())))
    if isinstance(refusal, RateLimited):
        limit = refusal.metadata["limit"]
        window = (("ratelimit-limit", limit), ("ratelimit-remaining", "0"), ("ratelimit-reset", seconds))
        return (("retry-after", seconds), *window)
    return (("retry-after", seconds),)
