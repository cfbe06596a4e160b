"""Errors as google.rpc.Status: always with ErrorInfo, and with the details that fit the kind."""

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from libs.common.errors import AnalyticsError, Kind

DOMAIN = "tickettoken.dev"
DETAILS_KEY = "grpc-status-details-bin"
CODES = {kind: grpc.StatusCode[kind.name] for kind in Kind}
# Peers refuse more than 8 KiB of metadata by default, and binary metadata grows by a third on the wire.
_LARGEST_DETAILS = 5 * 1024
_LONGEST_TEXT = 512


def status_of(error: AnalyticsError) -> status_pb2.Status:
    """The status of an error: ErrorInfo first, then bad fields or preconditions, then when to try again."""
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    status = status_pb2.Status(code=CODES[error.kind].value[0], message=error.message[:_LONGEST_TEXT])
    details: list[Message] = []
    if error.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(error.retry_after)
        details.append(retry)
    if error.kind is Kind.FAILED_PRECONDITION:
        details.append(_preconditions(error))
    elif error.violations:
        bad, omitted = _bad_fields(error)
        details.append(bad)
        if omitted:
            info.metadata["omitted_violations"] = str(omitted)
    for detail in (info, *details):
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def trailing_metadata(error: AnalyticsError) -> tuple[tuple[str, bytes], ...]:
    """The metadata that carries the whole status."""
    return ((DETAILS_KEY, status_of(error).SerializeToString()),)


def status_from(error: grpc.RpcError) -> status_pb2.Status | None:
    """The status a server sent with its refusal, or None when it sent only a code."""
    trailing = error.trailing_metadata() if isinstance(error, grpc.Call | grpc.aio.AioRpcError) else None
    for name, value in trailing or ():
        if name == DETAILS_KEY and isinstance(value, bytes):
            return status_pb2.Status.FromString(value)
    return None


def error_info_from(error: grpc.RpcError) -> error_details_pb2.ErrorInfo | None:
    """The reason a server gave for its refusal, or None when it gave none."""
    status = status_from(error)
    for detail in status.details if status is not None else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info
    return None


def _bad_fields(error: AnalyticsError) -> tuple[error_details_pb2.BadRequest, int]:
    """The bad fields that fit into metadata, and how many did not."""
    bad = error_details_pb2.BadRequest()
    size = 0
    for position, (field, description) in enumerate(error.violations):
        size += min(len(field), _LONGEST_TEXT) + min(len(description), _LONGEST_TEXT) + 12
        if size > _LARGEST_DETAILS:
            return bad, len(error.violations) - position
        bad.field_violations.add(field=field[:_LONGEST_TEXT], description=description[:_LONGEST_TEXT])
    return bad, 0


def _preconditions(error: AnalyticsError) -> error_details_pb2.PreconditionFailure:
    failure = error_details_pb2.PreconditionFailure()
    if not error.violations:
        failure.violations.add(type=error.reason, description=error.message[:_LONGEST_TEXT])
    for field, description in error.violations[:20]:
        failure.violations.add(type=error.reason, subject=field, description=description[:_LONGEST_TEXT])
    return failure
