"""Requests as method, URL, query and JSON body; the counterpart of the gateway's transcoding."""

import json
import re
from typing import Any
from urllib.parse import quote

import httpx
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from gateway.rest import Route

Parameters = list[tuple[str, str | int | float | bool | None]]  # as httpx types it
_PLACE = re.compile(r"{(\w+)}")


def path_of(route: Route, request: Message) -> str:
    """The path with the request's values in its places.

    Raises:
        ValueError: A field that belongs into the path is empty.
    """

    def value(place: re.Match[str]) -> str:
        text = str(getattr(request, place[1]))
        if not text:
            raise ValueError(f"{place[1]} belongs into the path and must not be empty")
        return quote(text, safe="")

    return _PLACE.sub(value, route.path)


def query_of(route: Route, request: Message) -> httpx.QueryParams:
    """The query parameters: every set field that neither the path nor a body carries."""
    return httpx.QueryParams([] if route.has_body else _flat(_rest(route, request)))


def body_of(route: Route, request: Message) -> bytes | None:
    """The JSON body, or None for routes without one."""
    if not route.has_body:
        return None
    return json.dumps(_rest(route, request), separators=(",", ":"), allow_nan=False).encode()


def _rest(route: Route, request: Message) -> dict[str, Any]:
    """The set fields, by JSON name, that are not in the path."""
    fields: dict[str, Any] = MessageToDict(request)
    for name in _PLACE.findall(route.path):
        fields.pop(request.DESCRIPTOR.fields_by_name[name].json_name, None)
    return fields


def _flat(fields: dict[str, Any], prefix: str = "") -> Parameters:
    """Repeated fields as repeated parameters, messages as dotted names."""
    parameters: Parameters = []
    for name, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                parameters += _flat(item, f"{prefix}{name}.")
            else:
                parameters.append((f"{prefix}{name}", _text(item)))
    return parameters


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
