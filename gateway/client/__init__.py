"""A typed client of the REST interface: the methods and messages of the gRPC stubs over HTTP."""

from gateway.client.client import AnalyticsClient
from gateway.client.errors import (
    Aborted,
    AlreadyExists,
    ApiError,
    ConnectionLost,
    DeadlineExceeded,
    FailedPrecondition,
    InternalError,
    InvalidArgument,
    NotFound,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from gateway.client.retries import RetryPolicy

__all__ = [
    "Aborted",
    "AlreadyExists",
    "AnalyticsClient",
    "ApiError",
    "ConnectionLost",
    "DeadlineExceeded",
    "FailedPrecondition",
    "InternalError",
    "InvalidArgument",
    "NotFound",
    "OutOfRange",
    "PermissionDenied",
    "ResourceExhausted",
    "RetryPolicy",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
]
