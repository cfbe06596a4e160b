"""The one error shape of the REST routes: google.rpc.Status as JSON."""

import re
from typing import Final

from gateway.openapi.rules import Schema

HTTP_STATUS: Final = {
    "INVALID_ARGUMENT": "400",
    "FAILED_PRECONDITION": "400",
    "OUT_OF_RANGE": "400",
    "UNAUTHENTICATED": "401",
    "PERMISSION_DENIED": "403",
    "NOT_FOUND": "404",
    "ABORTED": "409",
    "ALREADY_EXISTS": "409",
    "RESOURCE_EXHAUSTED": "429",
    "INTERNAL": "500",
    "UNIMPLEMENTED": "501",
    "UNAVAILABLE": "503",
    "DEADLINE_EXCEEDED": "504",
}
_TYPE: Final[Schema] = {"type": "string", "description": "Kind of the detail."}


def _detail(name: str, description: str, properties: dict[str, Schema]) -> Schema:
    kind: Schema = {"const": f"type.googleapis.com/google.rpc.{name}"}
    return {
        "title": name,
        "type": "object",
        "description": description,
        "required": ["@type"],
        "properties": {"@type": _TYPE | kind, **properties},
    }


def _list_of(about: str, /, **properties: str) -> Schema:
    fields = {name: {"type": "string", "description": text} for name, text in properties.items()}
    return {"type": "array", "description": about, "items": {"type": "object", "properties": fields}}


ERROR_SCHEMA: Final[Schema] = {
    "type": "object",
    "description": "Why a request was refused, wherever in the mesh that happened.",
    "required": ["code", "message", "details"],
    "properties": {
        "code": {"type": "integer", "format": "int32", "description": "The gRPC status code, for example 3."},
        "message": {"type": "string", "description": "One sentence for people."},
        "details": {
            "type": "array",
            "description": "Facts for programs. The first one is always an ErrorInfo.",
            "items": {
                "anyOf": [
                    _detail(
                        "ErrorInfo",
                        "What went wrong.",
                        {
                            "reason": {
                                "type": "string",
                                "description": "The reason, for example VENUE_NOT_FOUND.",
                            },
                            "domain": {"type": "string", "description": "Who names the reasons."},
                            "metadata": {
                                "type": "object",
                                "additionalProperties": {"type": "string"},
                                "description": "Facts about this case.",
                            },
                        },
                    ),
                    _detail(
                        "BadRequest",
                        "Which fields are at fault.",
                        {
                            "fieldViolations": _list_of(
                                "Every field at fault.",
                                field="Path of the field, for example metrics[3].venueId.",
                                description="What is allowed there.",
                            )
                        },
                    ),
                    _detail(
                        "RetryInfo",
                        "When to try again.",
                        {
                            "retryDelay": {
                                "type": "string",
                                "description": 'Time to wait, for example "1.5s".',
                            }
                        },
                    ),
                    _detail(
                        "PreconditionFailure",
                        "What has to change first.",
                        {
                            "violations": _list_of(
                                "Every condition that does not hold.",
                                type="The condition's name.",
                                subject="What it is about.",
                                description="How to fulfil it.",
                            )
                        },
                    ),
                ]
            },
        },
    },
}


def error_responses(method_comment: str, *, is_public: bool) -> dict[str, Schema]:
    """The error answers of a method: those its comment names, those every method may give, and the rest."""
    named = _by_status(method_comment.partition("Errors:")[2])
    common = {"429"} if is_public else {"401", "403", "429"}
    statuses = sorted(set(named) | common)
    answers = {status: _response(status, named.get(status, "")) for status in statuses}
    return answers | {"default": {"$ref": "#/components/responses/Error"}}


def _by_status(text: str) -> dict[str, str]:
    """Per HTTP status the words of the comment that follow its code."""
    parts = re.split(rf"\b({'|'.join(HTTP_STATUS)})\b\s*/", text)
    found: dict[str, list[str]] = {}
    for code, words in zip(parts[1::2], parts[2::2], strict=True):
        found.setdefault(HTTP_STATUS[code], []).append(" ".join(words.split()).rstrip(";. "))
    return {status: "; ".join(words) for status, words in found.items()}


def _response(status: str, words: str) -> Schema:
    codes = ", ".join(code for code, http in HTTP_STATUS.items() if http == status)
    return {
        "description": f"{codes}: {words}" if words else codes,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
