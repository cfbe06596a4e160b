"""Refusals that belong to calls themselves, whatever the service."""

from libs.common.errors import AnalyticsError, Kind


class RequestMalformed(AnalyticsError):
    """The request bytes are not the message the method takes."""

    kind = Kind.INVALID_ARGUMENT
    reason = "REQUEST_MALFORMED"


class RateLimited(AnalyticsError):
    """The caller has used up the calls of this class for now."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "RATE_LIMITED"


class DeadlineExceeded(AnalyticsError):
    """The call took longer than its deadline; its changes were not made."""

    kind = Kind.DEADLINE_EXCEEDED
    reason = "DEADLINE_EXCEEDED"


class MethodNotImplemented(AnalyticsError):
    """The contract has this method, but this server does not serve it."""

    kind = Kind.UNIMPLEMENTED
    reason = "METHOD_NOT_IMPLEMENTED"


class InternalError(AnalyticsError):
    """Something nobody expected; the log has it under the request id."""

    kind = Kind.INTERNAL
    reason = "INTERNAL"


class IdempotencyKeyInvalid(AnalyticsError):
    """The idempotency key is not 1 to 128 printable ASCII characters."""

    kind = Kind.INVALID_ARGUMENT
    reason = "IDEMPOTENCY_KEY_INVALID"


class IdempotencyKeyReused(AnalyticsError):
    """The idempotency key was used for another request within the last 24 hours."""

    kind = Kind.INVALID_ARGUMENT
    reason = "IDEMPOTENCY_KEY_REUSED"


class IdempotencyInFlight(AnalyticsError):
    """A call with the same idempotency key is still being answered; try again shortly."""

    kind = Kind.ABORTED
    reason = "IDEMPOTENCY_IN_FLIGHT"


class IdempotencyKeyUnsupported(AnalyticsError):
    """The method is a stream, or its service keeps no answers: an idempotency key would promise too much."""

    kind = Kind.INVALID_ARGUMENT
    reason = "IDEMPOTENCY_KEY_UNSUPPORTED"
