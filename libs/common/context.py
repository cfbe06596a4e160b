"""Who is calling and for whom: from the verified token to stores, logs and outgoing calls, by ContextVars."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class TenantScope:
    """The rows a caller may touch: one tenant and, when granted by the token, only some of its venues.

    `venue_ids` None means every venue of the tenant.
    """

    tenant_id: UUID
    venue_ids: frozenset[UUID] | None = None

    def allows(self, venue_id: UUID) -> bool:
        """Whether the venue grant covers this venue (says nothing about the venue's existence)."""
        return self.venue_ids is None or venue_id in self.venue_ids


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified principal.

    `subject` is the token's `sub`; `actor` is set for internal tokens and names the service that acts.
    `token_id` identifies the token without revealing it.
    """

    subject: str
    scope: TenantScope
    permissions: frozenset[str]
    expires_at: datetime
    token_id: str
    actor: str | None = None

    @property
    def tenant_id(self) -> UUID:
        return self.scope.tenant_id


@dataclass(frozen=True, slots=True)
class Work:
    """What this process is doing now, for logs, traces and whatever leaves the process.

    `name` is an RPC's path, a queue or a job; `traceparent` is in W3C form.
    """

    name: str
    request_id: str
    traceparent: str

    @property
    def trace_id(self) -> str:
        return self.traceparent[3:35]


_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
_work: ContextVar[Work | None] = ContextVar("work", default=None)


def current_caller() -> Caller:
    """The verified caller of the work in progress.

    Raises:
        LookupError: Outside a call and outside `acting_as`: code that needs a tenant runs without one.
    """
    caller = _caller.get()
    if caller is None:
        raise LookupError("no caller: run this inside a call or acting_as()")
    return caller


def caller_or_none() -> Caller | None:
    return _caller.get()


@contextmanager
def acting_as(caller: Caller) -> Iterator[None]:
    """Run the body for this caller: servers per call, workers per message or job."""
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)


def current_deadline() -> float | None:
    """The deadline of the work in progress on the `time.monotonic` clock, or None."""
    return _deadline.get()


@contextmanager
def deadline_at(monotonic_seconds: float) -> Iterator[None]:
    """Run the body under a deadline that outgoing calls inherit."""
    token = _deadline.set(monotonic_seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def current_work() -> Work | None:
    """The work in progress, or None in start-up and idle code."""
    return _work.get()


@contextmanager
def working_on(work: Work) -> Iterator[None]:
    """Run the body as this piece of work."""
    token = _work.set(work)
    try:
        yield
    finally:
        _work.reset(token)


def begin_call(work: Work, deadline: float | None) -> None:
    """Set work and deadline for the rest of this task, which serves one call and nothing else."""
    _work.set(work)
    _deadline.set(deadline)


def admit_caller(caller: Caller) -> None:
    """Set the caller for the rest of this task, which serves one call and nothing else."""
    _caller.set(caller)
