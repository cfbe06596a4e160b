"""Envoy's own refusals in the one shape of errors: google.rpc.Status with ErrorInfo, JSON and gRPC."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from gateway.envoy.typed import Json, extension, http_filter
from libs.common.errors import DependencyUnavailable
from libs.common.rpc.errors import DeadlineExceeded, InternalError, RequestMalformed
from libs.common.rpc.status import DOMAIN

MALFORMED = RequestMalformed.reason
TOO_LARGE = "REQUEST_TOO_LARGE"
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_CEL = "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way in which Envoy itself answers.

    `details` is part of Envoy's response code details, where the status alone does not tell. `message` None
    means Envoy's own text, which then is about the request and names what is wrong.
    """

    status: int
    answered: int
    code: int
    reason: str
    message: str | None
    details: str | None = None


_C = code_pb2

REFUSALS = (
    Refusal(401, 401, _C.UNAUTHENTICATED, "TOKEN_MISSING", "a bearer token is required", "Jwt_is_missing"),
    Refusal(401, 401, _C.UNAUTHENTICATED, "TOKEN_EXPIRED", "the token has expired", "Jwt_is_expired"),
    Refusal(401, 401, _C.UNAUTHENTICATED, "TOKEN_INVALID", "the token is not valid"),
    Refusal(
        403,
        401,
        _C.UNAUTHENTICATED,
        "AUDIENCE_MISMATCH",
        "the token is for another audience",
        "Audiences_in_Jwt",
    ),
    Refusal(403, 400, _C.INVALID_ARGUMENT, MALFORMED, "this path takes no protocol upgrade"),
    Refusal(400, 400, _C.INVALID_ARGUMENT, MALFORMED, None, "grpc_json_transcode"),
    Refusal(
        400, 400, _C.INVALID_ARGUMENT, MALFORMED, "the gateway does not accept this request line or header"
    ),
    Refusal(404, 404, _C.NOT_FOUND, "ROUTE_NOT_FOUND", "no method is at this path with this verb"),
    Refusal(408, 408, _C.DEADLINE_EXCEEDED, DeadlineExceeded.reason, "the request did not arrive in time"),
    Refusal(413, 413, _C.RESOURCE_EXHAUSTED, TOO_LARGE, "the request body is larger than the gateway takes"),
    Refusal(426, 426, _C.INVALID_ARGUMENT, MALFORMED, "the HTTP version is too old"),
    Refusal(
        431, 431, _C.RESOURCE_EXHAUSTED, TOO_LARGE, "the request headers are larger than the gateway takes"
    ),
    Refusal(500, 500, _C.INTERNAL, InternalError.reason, "internal error"),
    Refusal(
        502, 502, _C.UNAVAILABLE, DependencyUnavailable.reason, "the service's answer was not understood"
    ),
    Refusal(
        503, 503, _C.UNAVAILABLE, DependencyUnavailable.reason, "the service is not reachable, try again"
    ),
    Refusal(504, 504, _C.DEADLINE_EXCEEDED, DeadlineExceeded.reason, "the service did not answer in time"),
)


def local_replies() -> Json:
    """Mappers only: a default format would also rewrite what plain gRPC clients get."""
    return {"mappers": list(_mappers())}


def _mappers() -> Iterator[Json]:
    for refusal in REFUSALS:
        code = _GRPC_CODES.get(refusal.answered)
        if refusal.message is not None and code is not None:
            yield _over_grpc(refusal, refusal.message, code)
        yield _as_json(refusal)


def field_names() -> Json:
    """The filter that names the bad field in the transcoder's refusals."""
    script = Path(__file__).with_name("name_fields.lua").read_text()
    script = script.replace("@DOMAIN@", DOMAIN).replace("@REASON@", MALFORMED)
    return http_filter("lua", "lua.v3.Lua", default_source_code={"inline_string": script})


def _as_json(refusal: Refusal) -> Json:
    text = "%LOCAL_REPLY_BODY%" if refusal.message is None else refusal.message
    metadata = {"dependency": "%UPSTREAM_CLUSTER%"} if refusal.reason == DependencyUnavailable.reason else {}
    info = {"@type": ERROR_INFO, "reason": refusal.reason, "domain": DOMAIN, "metadata": metadata}
    mark = {"key": "x-refused-by", "value": "transcoder"}
    return {
        "filter": _all(_when(refusal), _FROM_REST),
        **({"headers_to_add": [{"header": mark}]} if refusal.message is None else {}),
        "status_code": refusal.answered,
        "body_format_override": {
            "json_format": {"code": refusal.code, "message": text, "details": [info]},
            "omit_empty_values": bool(metadata),
        },
    }


def _over_grpc(refusal: Refusal, text: str, code: int) -> Json:
    """The trailers-only answer of a gRPC call; code and text must equal those in the details."""
    return {
        "filter": _all(_when(refusal), _FROM_GRPC),
        "status_code": refusal.answered,
        "body": {"inline_string": text},
        "headers_to_add": [
            {
                "header": {"key": "grpc-status-details-bin", "value": _details(refusal.reason, text, code)},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
    }


def _details(reason: str, text: str, code: int) -> str:
    info = any_pb2.Any()
    info.Pack(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN))
    status = status_pb2.Status(code=code, message=text, details=[info])
    return base64.b64encode(status.SerializeToString()).decode().rstrip("=")


# How Envoy says a status over gRPC, where it always says it the same way.
_GRPC_CODES = {
    401: _C.UNAUTHENTICATED,
    403: _C.PERMISSION_DENIED,
    404: _C.UNIMPLEMENTED,
    503: _C.UNAVAILABLE,
    504: _C.DEADLINE_EXCEEDED,
}


def _header(match: Json) -> Json:
    return {"header_filter": {"header": match}}


_GRPC: Json = {"name": "content-type", "string_match": {"prefix": "application/grpc"}}
_TRANSCODED = _header({"name": "x-envoy-original-method", "present_match": True})
_NOT_TRANSCODED = _header({"name": "x-envoy-original-method", "present_match": False})
_NOT_GRPC = _header(_GRPC | {"invert_match": True, "treat_missing_header_as_empty": True})
# Once transcoded, a REST request looks like gRPC but for the trace the transcoder leaves.
_FROM_REST: Json = {"or_filter": {"filters": [_NOT_GRPC, _TRANSCODED]}}
_FROM_GRPC: Json = {"and_filter": {"filters": [_header(_GRPC), _NOT_TRANSCODED]}}


def _when(refusal: Refusal) -> list[Json]:
    value = {"default_value": refusal.status, "runtime_key": f"refusal.{refusal.reason.lower()}"}
    filters: list[Json] = [{"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}]
    if refusal.details is not None:
        expression = f'response.code_details.contains("{refusal.details}")'
        filters.append(
            {
                "extension_filter": extension(
                    "envoy.access_loggers.extension_filters.cel", _CEL, expression=expression
                )
            }
        )
    return filters


def _all(filters: list[Json], *more: Json) -> Json:
    return {"and_filter": {"filters": [*filters, *more]}}
