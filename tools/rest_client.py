"""Writes the typed REST methods: one class a service, one method a route, the messages of the gRPC stub."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import (
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    MethodOptions,
    ServiceDescriptorProto,
)

from gateway.comments import comments_of

MODULE = Path("tickettoken/rest/services.py")
_HEADER = '''"""REST counterparts of the gRPC stubs, same messages. Generated; do not edit."""

from collections.abc import AsyncIterator

from gateway.rest import Route, Transport
'''


def rest_services(descriptors: FileDescriptorSet) -> str:
    """The module's source text."""
    ours = [file for file in descriptors.file if file.package.startswith("tickettoken.")]
    writer = _Writer(ours)
    classes = [text for file in ours for service in file.service if (text := writer.service(file, service))]
    return "\n".join([_HEADER, *sorted(writer.imports), "", *classes, writer.entrance()])


class _Writer:
    def __init__(self, files: list[FileDescriptorProto]) -> None:
        self.imports: set[str] = set()
        self._comments = comments_of(files)
        self._files: dict[str, FileDescriptorProto] = {}
        self._fields: dict[str, set[str]] = {}
        for file in files:
            for message in file.message_type:
                self._files[f".{file.package}.{message.name}"] = file
                self._fields[f".{file.package}.{message.name}"] = {field.name for field in message.field}
        self._services: list[tuple[str, str]] = []

    def service(self, file: FileDescriptorProto, service: ServiceDescriptorProto) -> str:
        """A class with the service's routes, or nothing for a service without any."""
        full_name = f"{file.package}.{service.name}"
        routed = [method for method in service.method if method.options.HasExtension(annotations_pb2.http)]
        if not routed:
            return ""
        name = service.name
        self._services.append((_snake(name.removesuffix("Service")), name))
        parts = [
            f"\nclass {name}:",
            _docstring(self._comments[full_name], 4),
            "    def __init__(self, transport: Transport) -> None:",
            "        self._transport = transport",
        ]
        for method in routed:
            parts.extend(self._methods(method, _docstring(self._comments[f"{full_name}.{method.name}"], 8)))
        return "\n".join(parts) + "\n"

    def entrance(self) -> str:
        """The class that holds every service."""
        lines = [f"        self.{attribute} = {name}(transport)" for attribute, name in self._services]
        head = ["\nclass Services:", '    """Every service of the REST interface."""', ""]
        return "\n".join([*head, "    def __init__(self, transport: Transport) -> None:", *lines, ""])

    def _methods(self, method: MethodDescriptorProto, docstring: str) -> Iterator[str]:
        name = _snake(method.name)
        request, reply = self._python(method.input_type), self._python(method.output_type)
        read_only = method.options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS
        passed = f"{_route(method, is_read_only=read_only)}, request, {reply}"
        if method.server_streaming:
            yield f"\n    def {name}(self, request: {request}) -> AsyncIterator[{reply}]:"
            yield f"{docstring}\n        return self._transport.stream({passed})"
            return
        key = "" if read_only else ", *, idempotency_key: str | None = None"
        passed_key = "" if read_only else ", idempotency_key=idempotency_key"
        yield f"\n    async def {name}(self, request: {request}{key}) -> {reply}:"
        yield f"{docstring}\n        return await self._transport.call({passed}{passed_key})"
        if "page_token" in self._fields[method.input_type]:
            yield f"\n    def {name}_pages(self, request: {request}) -> AsyncIterator[{reply}]:"
            yield f'        """Every page of `{name}`, one after the other."""'
            yield f"        return self._transport.pages({passed})"

    def _python(self, type_name: str) -> str:
        """A message's name in Python; remembers the import it needs."""
        module = self._files[type_name].name.removesuffix(".proto").replace("/", ".") + "_pb2"
        package, _, short = module.rpartition(".")
        alias = f"{package.removeprefix('tickettoken.').replace('.', '_')}_{short}"
        self.imports.add(f"from {package} import {short} as {alias}")
        return f"{alias}.{type_name.rpartition('.')[2]}"


def _route(method: MethodDescriptorProto, *, is_read_only: bool) -> str:
    rule = method.options.Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    return f'Route("{verb.upper()}", "{getattr(rule, verb)}", {rule.body == "*"}, {is_read_only})'


def _docstring(text: str, indent: int) -> str:
    body = textwrap.indent(text.replace("\\", "\\\\").replace('"""', "'''"), " " * indent).lstrip()
    ending = f"\n{' ' * indent}" if "\n" in text or text.endswith('"') else ""
    return f'{" " * indent}"""{body}{ending}"""'


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
