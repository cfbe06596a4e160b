"""Builds the document: one operation a route, with parameters, body, answers, permissions and comments."""

import re
from collections.abc import Iterable, Iterator

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    MethodOptions,
)
from tickettoken.common.v1 import options_pb2

from gateway.comments import comments_of, first_sentence
from gateway.openapi.errors import ERROR_SCHEMA, error_responses
from gateway.openapi.rules import Schema, is_required
from gateway.openapi.schemas import Schemas

_PACKAGE = "tickettoken."
_IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "1 to 128 printable ASCII characters that make the call repeatable for 24 hours: the "
    "same key and request get the first answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}


def document(descriptor_set: FileDescriptorSet, *, version: str = "1") -> Schema:
    """The OpenAPI 3.1 document of every route in the descriptor set.

    Args:
        descriptor_set: The contract with imports and source information, as `gen/descriptors.binpb` holds it.
        version: What the document calls its version.
    """
    # Parsed anew: options that were read before their extensions were known would be invisible.
    known = FileDescriptorSet.FromString(descriptor_set.SerializeToString())
    ours = [file for file in known.file if file.package.startswith(_PACKAGE)]
    builder = _Builder(known.file, ours)
    routes = [
        route for file in ours for service in file.service for route in builder.routes_of(file, service.name)
    ]
    paths: dict[str, Schema] = {}
    for verb, path, operation in sorted(routes, key=lambda route: route[1]):
        paths.setdefault(path, {})[verb] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "TicketToken Analytics",
            "version": version,
            "description": "Analytics for ticketing: recorded metrics, live figures, and figures from the "
            "platform's own sales. Every route is also a gRPC method of the same name.",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "tags": builder.tags,
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "responses": {
                "Error": {
                    "description": "Any other refusal.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
            },
            "schemas": {"Error": ERROR_SCHEMA} | dict(sorted(builder.schemas.components.items())),
        },
    }


class _Builder:
    """What operations are built from: the messages of all files and the comments of ours."""

    def __init__(self, files: Iterable[FileDescriptorProto], ours: list[FileDescriptorProto]) -> None:
        self._messages = {name: message for file in files for name, message in _messages(file)}
        enums = {name: enum for file in files for name, enum in _enums(file)}
        self._comments = {name: _with_json_names(text) for name, text in comments_of(ours).items()}
        methods = [method for file in ours for service in file.service for method in service.method]
        asked = self._reachable(method.input_type for method in methods)
        answered = self._reachable(method.output_type for method in methods)
        self.schemas = Schemas(self._messages, enums, self._comments, frozenset(answered - asked))
        self.tags: list[Schema] = []

    def routes_of(self, file: FileDescriptorProto, service_name: str) -> Iterator[tuple[str, str, Schema]]:
        """Verb, path and operation of each method of a service that has a route."""
        service = next(service for service in file.service if service.name == service_name)
        full_name = f"{file.package}.{service.name}"
        described = [method for method in service.method if method.options.HasExtension(annotations_pb2.http)]
        if described:
            self.tags.append({"name": service.name, "description": self._comments[full_name]})
        for method in described:
            rule = method.options.Extensions[annotations_pb2.http]
            verb = rule.WhichOneof("pattern")
            path = getattr(rule, verb)
            yield verb, path, self._operation(full_name, method, path, has_body=rule.body == "*")

    def _operation(self, service: str, method: MethodDescriptorProto, path: str, *, has_body: bool) -> Schema:
        comment = self._comments[f"{service}.{method.name}"]
        summary, description = first_sentence(comment)
        options = method.options.Extensions
        in_path = re.findall(r"{(\w+)}", path)
        operation: Schema = {
            "operationId": f"{service.rpartition('.')[2]}.{method.name}",
            "tags": [service.rpartition(".")[2]],
            "summary": summary,
            "description": description,
            "parameters": list(self._parameters(method, in_path, has_body=has_body)),
            "responses": {
                "200": self._answer(method),
                **error_responses(comment, is_public=options[options_pb2.public]),
            },
            "security": []
            if options[options_pb2.public]
            else [{"bearer": list(options[options_pb2.required_permissions])}],
            "x-rate-limit-class": options[options_pb2.rate_limit_class],
        }
        if has_body:
            whole = method.input_type
            schema = (
                self.schemas.message(whole.removeprefix("."), without=in_path)
                if in_path
                else self.schemas.reference(whole)
            )
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        return operation

    def _parameters(
        self, method: MethodDescriptorProto, in_path: list[str], *, has_body: bool
    ) -> Iterator[Schema]:
        request = method.input_type.removeprefix(".")
        fields = {field.name: field for field in self._messages[request].field}
        for name in in_path:
            yield self._parameter(request, fields[name], name, place="path")
        if not has_body:
            yield from self._query(request, without=in_path)
        if method.options.idempotency_level != MethodOptions.NO_SIDE_EFFECTS:
            yield _IDEMPOTENCY_KEY

    def _query(self, message: str, *, without: Iterable[str] = (), prefix: str = "") -> Iterator[Schema]:
        for field in self._messages[message].field:
            inner = field.type_name.removeprefix(".")
            if field.name in without or self.schemas.is_map(field):
                continue
            if inner in self._messages and inner.startswith(_PACKAGE):
                yield from self._query(inner, prefix=f"{prefix}{field.json_name}.")
            else:
                yield self._parameter(message, field, f"{prefix}{field.json_name}", place="query")

    def _parameter(self, message: str, field: FieldDescriptorProto, name: str, *, place: str) -> Schema:
        schema = self.schemas.field(message, field)
        parameter: Schema = {
            "name": name,
            "in": place,
            "description": schema.pop("description", ""),
            "schema": schema,
        }
        if place == "path" or is_required(field):
            parameter["required"] = True
        return parameter

    def _answer(self, method: MethodDescriptorProto) -> Schema:
        schema = self.schemas.reference(method.output_type)
        message = self._comments[method.output_type.removeprefix(".")]
        if method.server_streaming:
            description = f"{message}\n\nOne message an SSE event, in its `data` lines."
            return {"description": description, "content": {"text/event-stream": {"schema": schema}}}
        return {"description": message, "content": {"application/json": {"schema": schema}}}

    def _reachable(self, types: Iterable[str]) -> set[str]:
        waiting = [name.removeprefix(".") for name in types]
        found: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in found or name not in self._messages:
                continue
            found.add(name)
            waiting += [
                field.type_name.removeprefix(".") for field in self._messages[name].field if field.type_name
            ]
        return found


def _with_json_names(comment: str) -> str:
    """A comment with the fields it quotes, such as `next_page_token`, named as JSON does."""
    return re.sub(
        r"`([a-z]+(?:_[a-z0-9]+)+)`",
        lambda quoted: "`" + re.sub(r"_(\w)", lambda letter: letter[1].upper(), quoted[1]) + "`",
        comment,
    )


def _messages(file: FileDescriptorProto) -> Iterator[tuple[str, DescriptorProto]]:
    waiting = [(f"{file.package}.{message.name}", message) for message in file.message_type]
    while waiting:
        name, message = waiting.pop()
        yield name, message
        waiting += [(f"{name}.{nested.name}", nested) for nested in message.nested_type]


def _enums(file: FileDescriptorProto) -> Iterator[tuple[str, EnumDescriptorProto]]:
    yield from ((f"{file.package}.{enum.name}", enum) for enum in file.enum_type)
    for name, message in _messages(file):
        yield from ((f"{name}.{enum.name}", enum) for enum in message.enum_type)
