"""One call in progress: what is known of it from the first byte to the access log."""

import re
import time
from collections.abc import Sequence
from uuid import uuid4

import grpc
from prometheus_client import Gauge, Histogram

from libs.common.context import Caller, Work, begin_call
from libs.common.observability.access import access_log
from libs.common.observability.prometheus import CALLS, CALLS_IN_PROGRESS
from libs.common.observability.tracing import accepted_traceparent
from libs.common.rpc.client_address import HEADER as CLIENT_ADDRESS
from libs.common.rpc.methods import MethodPolicy

_REQUEST_ID = re.compile(r"[\w.:/+=-]{1,128}")

Context = grpc.aio.ServicerContext[bytes, bytes]


class MethodMeter:
    """Prometheus series of one method, looked up once."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._codes: dict[str, Histogram] = {}
        self.in_progress: Gauge = CALLS_IN_PROGRESS.labels(path)

    def count(self, code: str, seconds: float) -> None:
        series = self._codes.get(code)
        if series is None:
            series = self._codes[code] = CALLS.labels(self._path, code)
        series.observe(seconds)


class Call:
    """A call: its metadata, its deadline and, once it is admitted, its caller.

    `deadline` is on the monotonic clock; `is_deadline_ours` says that the peer's is longer or missing, so
    this process has to keep it. Streams without a deadline have none: they end with their token.
    """

    __slots__ = (
        "_meter",
        "_started",
        "caller",
        "client_address",
        "deadline",
        "is_deadline_ours",
        "metadata",
        "policy",
        "received",
        "sent",
        "work",
    )

    def __init__(
        self, policy: MethodPolicy, meter: MethodMeter, context: Context, *, default: float, longest: float
    ) -> None:
        self._meter = meter
        self._started = time.monotonic()
        self.policy = policy
        self.metadata = dict(context.invocation_metadata() or ())
        self.caller: Caller | None = None
        self.client_address = ""
        self.received = self.sent = 0
        self.deadline, self.is_deadline_ours = self._deadline(context.time_remaining(), default, longest)
        self.work = Work(
            name=policy.path,
            request_id=self._request_id(),
            traceparent=accepted_traceparent(self.text("traceparent")),
        )
        begin_call(self.work, self.deadline)
        meter.in_progress.inc()

    @property
    def came_through_gateway(self) -> bool:
        """Whether an HTTP client may read the headers of the answer; stubs do not, and sending them costs."""
        return CLIENT_ADDRESS in self.metadata

    def text(self, name: str) -> str | None:
        """A metadata value that is text; the last one when there are several."""
        value = self.metadata.get(name)
        return value if isinstance(value, str) else None

    def finished(self, code: str, reason: str = "") -> None:
        """Count the call and write its line of the access log."""
        seconds = time.monotonic() - self._started
        self._meter.in_progress.dec()
        self._meter.count(code, seconds)
        log = access_log()
        if log is not None:
            log.write(self._facts(code, reason, seconds))

    def _facts(self, code: str, reason: str, seconds: float) -> dict[str, object]:
        facts: dict[str, object] = {
            "work": self.work.name,
            "code": code,
            "milliseconds": round(seconds * 1000, 2),
            "request_id": self.work.request_id,
            "trace_id": self.work.trace_id,
            "client": self.client_address,
        }
        if self.caller is not None:
            facts["tenant_id"] = str(self.caller.tenant_id)
            facts["subject"] = self.caller.subject
        if reason:
            facts["reason"] = reason
        if self.policy.takes_stream or self.policy.gives_stream:
            facts["received"], facts["sent"] = self.received, self.sent
        return facts

    def _deadline(self, remaining: float | None, default: float, longest: float) -> tuple[float | None, bool]:
        if self.policy.takes_stream or self.policy.gives_stream:
            return (None if remaining is None else self._started + remaining), False
        if remaining is None:
            return self._started + default, True
        return self._started + min(remaining, longest), remaining > longest

    def _request_id(self) -> str:
        given = self.text("x-request-id")
        return given if given is not None and _REQUEST_ID.fullmatch(given) else str(uuid4())


def bearer_token(authorization: str | None) -> str:
    """The token of an Authorization value, or an empty string."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def initial_metadata(call: Call, more: Sequence[tuple[str, str]] = ()) -> tuple[tuple[str, str], ...]:
    """What every refusal tells before anything else: the request id, and when to try again."""
    return (("x-request-id", call.work.request_id), *more)
