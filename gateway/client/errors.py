"""Refusals as exceptions: one class a status code, with the facts of google.rpc.Status."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

import httpx
from google.rpc.code_pb2 import Code

from libs.common.errors import FieldViolation, Kind


class ApiError(Exception):
    """A call that the gateway or a service refused.

    `reason` names what went wrong (`VENUE_NOT_FOUND`), `message` says it for people, `metadata` holds facts
    about the case, `violations` the fields at fault, `retry_after` when to try again.
    """

    kind: ClassVar[Kind] = Kind.INTERNAL

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        http_status: int | None = None,
        metadata: Mapping[str, str] | None = None,
        violations: tuple[FieldViolation, ...] = (),
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(f"{self.kind.value}{f' / {reason}' if reason else ''}: {message}")
        self.message = message
        self.reason = reason
        self.http_status = http_status
        self.metadata = dict(metadata or {})
        self.violations = violations
        self.retry_after = retry_after


class InvalidArgument(ApiError):
    kind = Kind.INVALID_ARGUMENT


class Unauthenticated(ApiError):
    kind = Kind.UNAUTHENTICATED


class PermissionDenied(ApiError):
    kind = Kind.PERMISSION_DENIED


class NotFound(ApiError):
    kind = Kind.NOT_FOUND


class AlreadyExists(ApiError):
    kind = Kind.ALREADY_EXISTS


class Aborted(ApiError):
    kind = Kind.ABORTED


class FailedPrecondition(ApiError):
    kind = Kind.FAILED_PRECONDITION


class OutOfRange(ApiError):
    kind = Kind.OUT_OF_RANGE


class ResourceExhausted(ApiError):
    kind = Kind.RESOURCE_EXHAUSTED


class Unavailable(ApiError):
    kind = Kind.UNAVAILABLE


class ConnectionLost(Unavailable):
    """The gateway did not answer, or stopped answering: the call may or may not have been carried out."""


class DeadlineExceeded(ApiError):
    kind = Kind.DEADLINE_EXCEEDED


class Unimplemented(ApiError):
    kind = Kind.UNIMPLEMENTED


class InternalError(ApiError):
    kind = Kind.INTERNAL


# One class a kind: what is narrower, such as ConnectionLost, derives from one of them.
_CLASSES = {error.kind: error for error in ApiError.__subclasses__()}
_KINDS = {Code.Value(kind.name): kind for kind in Kind}
# For answers without a readable status, such as those of a proxy in between.
_HTTP = {
    400: Kind.INVALID_ARGUMENT,
    401: Kind.UNAUTHENTICATED,
    403: Kind.PERMISSION_DENIED,
    404: Kind.NOT_FOUND,
    409: Kind.ABORTED,
    429: Kind.RESOURCE_EXHAUSTED,
    501: Kind.UNIMPLEMENTED,
    502: Kind.UNAVAILABLE,
    503: Kind.UNAVAILABLE,
    504: Kind.DEADLINE_EXCEEDED,
}


def error_from(response: httpx.Response) -> ApiError:
    """The error that a refused response states; its body must have been read."""
    status = _status_json(response)
    details = {_detail_name(detail): detail for detail in status.get("details", ())}
    info = details.get("ErrorInfo", {})
    kind = _KINDS.get(status.get("code", 0)) or _HTTP.get(response.status_code, Kind.INTERNAL)
    return _CLASSES[kind](
        status.get("message") or f"HTTP {response.status_code}",
        reason=info.get("reason", ""),
        http_status=response.status_code,
        metadata=info.get("metadata"),
        violations=_violations(details),
        retry_after=_retry_after(details, response.headers),
    )


def _status_json(response: httpx.Response) -> dict[str, Any]:
    try:
        status = json.loads(response.content)
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}


def _detail_name(detail: dict[str, Any]) -> str:
    return str(detail.get("@type", "")).rpartition(".")[2]


def _violations(details: dict[str, dict[str, Any]]) -> tuple[FieldViolation, ...]:
    bad_fields = details.get("BadRequest", {}).get("fieldViolations", ())
    failed = details.get("PreconditionFailure", {}).get("violations", ())
    return tuple(
        FieldViolation(item.get("field") or item.get("subject", ""), item.get("description", ""))
        for item in (*bad_fields, *failed)
    )


def _retry_after(details: dict[str, dict[str, Any]], headers: httpx.Headers) -> timedelta | None:
    """When to try again, by RetryInfo (such as "1.5s") or else by the Retry-After header in seconds."""
    delay = str(details.get("RetryInfo", {}).get("retryDelay", "")).removesuffix("s")
    try:
        return timedelta(seconds=float(delay or headers.get("retry-after", "")))
    except ValueError:
        return None
