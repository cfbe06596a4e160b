"""The surface of the services, read from the descriptor set: methods, their routes and their promises."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor_pb2 import (
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    MethodOptions,
    ServiceDescriptorProto,
)
from tickettoken.common.v1 import options_pb2

ROOT_PACKAGE = "tickettoken."


class Route(NamedTuple):
    """One REST address of a method: the verb and the path template with `{variables}`."""

    verb: str
    template: str


@dataclass(frozen=True, slots=True)
class Method:
    """A method as clients of the gateway see it.

    `domain` is the second part of the package and names the upstream. `is_internal` methods are not served.
    """

    service: str
    name: str
    domain: str
    routes: tuple[Route, ...]
    permissions: tuple[str, ...]
    rate_limit_class: str
    client_streams: bool
    server_streams: bool
    is_public: bool
    is_internal: bool
    is_read_only: bool

    @property
    def path(self) -> str:
        """The gRPC path."""
        return f"/{self.service}/{self.name}"

    @property
    def is_stream(self) -> bool:
        return self.client_streams or self.server_streams


def read_surface(descriptors: Path) -> tuple[Method, ...]:
    """Every method of our own packages, in the order of the files.

    Raises:
        OSError: The descriptor set is not there.
    """
    files = FileDescriptorSet.FromString(descriptors.read_bytes()).file
    ours = [file for file in files if file.package.startswith(ROOT_PACKAGE)]
    return tuple(
        _method(file, service, method)
        for file in ours
        for service in file.service
        for method in service.method
    )


def _method(
    file: FileDescriptorProto, service: ServiceDescriptorProto, method: MethodDescriptorProto
) -> Method:
    options = method.options
    extensions = options.Extensions
    return Method(
        service=f"{file.package}.{service.name}",
        name=method.name,
        domain=file.package.removeprefix(ROOT_PACKAGE).split(".")[0],
        routes=tuple(_routes(extensions[annotations_pb2.http]))
        if options.HasExtension(annotations_pb2.http)
        else (),
        permissions=tuple(extensions[options_pb2.required_permissions]),
        rate_limit_class=extensions[options_pb2.rate_limit_class],
        client_streams=method.client_streaming,
        server_streams=method.server_streaming,
        is_public=extensions[options_pb2.public],
        is_internal=extensions[options_pb2.internal],
        is_read_only=options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS,
    )


def _routes(rule: http_pb2.HttpRule) -> Iterator[Route]:
    pattern = rule.WhichOneof("pattern")
    if pattern == "custom":
        yield Route(rule.custom.kind, rule.custom.path)
    elif pattern is not None:
        yield Route(pattern.upper(), getattr(rule, pattern))
    for additional in rule.additional_bindings:
        yield from _routes(additional)
