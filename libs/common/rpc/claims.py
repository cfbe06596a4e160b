"""A call's claim on its idempotency key, and how a servicer gets hold of it. Knows no store."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from google.protobuf.message import Message

from libs.common.context import Caller, TenantScope
from libs.common.rpc.errors import IdempotencyKeyInvalid

HEADER = "idempotency-key"
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_CLAIMS_ITSELF = "claims_idempotency_itself"


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """One call's claim on its idempotency key.

    `scope_hash` stands for (tenant, principal, method, key), `request_hash` for the canonical request.
    """

    tenant_id: UUID
    method: str
    scope_hash: bytes
    request_hash: bytes

    @classmethod
    def of(cls, caller: Caller, method: str, key: str, request: Message) -> "Claim":
        """The claim of a call.

        Raises:
            IdempotencyKeyInvalid: The key is not 1 to 128 printable ASCII characters.
        """
        if not _KEY.fullmatch(key):
            raise IdempotencyKeyInvalid(
                "an idempotency key is 1 to 128 printable ASCII characters without spaces"
            )
        parts = (str(caller.tenant_id), caller.actor or "", caller.subject, method, key)
        scope = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
        return cls(
            tenant_id=caller.tenant_id,
            method=method,
            scope_hash=hashlib.sha256(scope).digest(),
            request_hash=hashlib.sha256(request.SerializeToString(deterministic=True)).digest(),
        )

    @property
    def lock(self) -> int:
        """The key of the advisory lock that marks the claim as in flight."""
        return int.from_bytes(self.scope_hash[:8], "big", signed=True)


class AnswerStore(Protocol):
    """Runs a call's work once per key."""

    async def run(self, claim: Claim, scope: TenantScope, work: Callable[[], Awaitable[bytes]]) -> bytes:
        """The answer of `work`, or the one it gave when the key was first used."""
        ...


_claim: ContextVar[Claim | None] = ContextVar("idempotency_claim", default=None)
_Method = TypeVar("_Method", bound=Callable[..., object])


def claims_idempotency_itself(method: _Method) -> _Method:
    """Mark a servicer method that claims `current_claim()` and stores its answer in its own transaction."""
    setattr(method, _CLAIMS_ITSELF, True)
    return method


def does_claim_itself(method: Callable[..., object]) -> bool:
    return getattr(method, _CLAIMS_ITSELF, False)


def current_claim() -> Claim | None:
    """The claim of the call in progress, or None when its caller gave no idempotency key."""
    return _claim.get()


def hand_over(claim: Claim) -> None:
    """Set the claim for the rest of this task, which serves one call and nothing else."""
    _claim.set(claim)
