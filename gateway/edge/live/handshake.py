"""What an upgrade asks for, and refusals of it in the one shape of errors."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from google.protobuf.json_format import MessageToJson
from google.rpc import code_pb2, error_details_pb2, status_pb2
from tickettoken.metrics.v1 import live_pb2
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from gateway.edge.errors import NoSuchPage, OriginRefused
from gateway.openapi.errors import HTTP_STATUS
from libs.common.rpc.call import bearer_token
from libs.common.rpc.client_address import HEADER as CLIENT_ADDRESS
from libs.common.rpc.errors import RequestMalformed

_PATH: Final = re.compile(r"/api/realtime/venue/([^/]+)/subscribe")
_BEARER: Final = "bearer."


@dataclass(frozen=True, slots=True)
class Wanted:
    """An upgrade as it was asked for; nothing of it is checked yet but its form."""

    feed: live_pb2.WatchVenueMetricsRequest
    token: str
    client_address: str | None

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Of calls on the client's behalf: they are made with its own token."""
        more = ((CLIENT_ADDRESS, self.client_address),) if self.client_address else ()
        return (("authorization", f"Bearer {self.token}"), *more)


def wanted(request: Request, origins: Collection[str]) -> Wanted:
    """What the request asks for.

    Args:
        request: The upgrade.
        origins: Origins whose pages may ask, beside the gateway's own.

    Raises:
        OriginRefused: A page from elsewhere asks.
        NoSuchPage: The path is not a venue's feed.
        RequestMalformed: There is a parameter that the feed does not take.
    """
    headers = request.headers
    origin = headers.get("Origin")
    if origin is not None and origin not in origins and urlsplit(origin).netloc != headers.get("Host"):
        raise OriginRefused("pages of this origin may not follow feeds", origin=origin)
    address = urlsplit(request.path)
    if (found := _PATH.fullmatch(address.path)) is None:
        raise NoSuchPage("no feed is at this path")
    feed = live_pb2.WatchVenueMetricsRequest(venue_id=unquote(found[1]))
    for name, value in parse_qsl(address.query, keep_blank_values=True):
        if name == "metrics":
            feed.metrics.append(value)
        elif name in {"resumeToken", "resume_token"}:
            feed.resume_token = value
        else:
            raise RequestMalformed(f"there is no parameter {name[:64]!r}")
    return Wanted(feed, _token(headers), headers.get(CLIENT_ADDRESS))


def _token(headers: Headers) -> str:
    """The bearer token: browsers cannot set headers here and send it as a subprotocol."""
    for line in headers.get_all("Sec-WebSocket-Protocol"):
        for offered in line.split(","):
            if offered.strip().startswith(_BEARER):
                return offered.strip().removeprefix(_BEARER)
    return bearer_token(headers.get("Authorization"))


def refusal(status: status_pb2.Status, more: Mapping[str, str] | None = None) -> Response:
    """The answer over HTTP, with when to try again where that is known."""
    http = HTTPStatus(int(HTTP_STATUS[code_pb2.Code.Name(status.code)]))
    body = MessageToJson(status, always_print_fields_with_no_presence=True, indent=None).encode()
    headers = Headers(
        {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            **(more or {}),
        }
    )
    retry = error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(retry):
            headers["Retry-After"] = str(max(1, round(retry.retry_delay.ToTimedelta().total_seconds())))
    return Response(http.value, http.phrase, headers, body)
