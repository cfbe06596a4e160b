"""The contracts as tests look at them: every method and field of our packages, with comments and routes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import google.api.annotations_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import Message
from tickettoken.common.v1 import options_pb2

ROOT = Path(__file__).parents[2]
DESCRIPTORS = FileDescriptorSet.FromString((ROOT / "gen/descriptors.binpb").read_bytes())
OURS = [file for file in DESCRIPTORS.file if file.package.startswith("tickettoken.")]
MODULES = [file.name.removesuffix(".proto").replace("/", ".") + "_pb2" for file in OURS]


@dataclass(frozen=True)
class Method:
    descriptor: MethodDescriptor
    verb: str
    path: str
    body: str
    permission: str

    @property
    def service(self) -> str:
        return self.descriptor.containing_service.full_name.removeprefix("tickettoken.")

    @property
    def request(self) -> type[Message]:
        return message_factory.GetMessageClass(self.descriptor.input_type)

    def __str__(self) -> str:
        return f"{self.service}.{self.descriptor.name}"


def methods() -> list[Method]:
    for module in MODULES:
        __import__(module)
    pool = descriptor_pool.Default()
    services = [
        pool.FindServiceByName(f"{file.package}.{service.name}") for file in OURS for service in file.service
    ]
    return [_method(method) for service in services for method in service.methods]


def messages() -> list[Descriptor]:
    for module in MODULES:
        __import__(module)
    pool = descriptor_pool.Default()
    return [
        pool.FindMessageTypeByName(f"{file.package}.{message.name}")
        for file in OURS
        for message in file.message_type
    ]


def comments(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """Where each leading comment of a file stands (a descriptor path), and its text."""
    for location in file.source_code_info.location:
        if location.leading_comments:
            yield tuple(location.path), location.leading_comments


def _method(method: MethodDescriptor) -> Method:
    options = method.GetOptions()
    rule = options.Extensions[google.api.annotations_pb2.http]
    verb = rule.WhichOneof("pattern") or ""
    permission = "+".join(options.Extensions[options_pb2.required_permissions])
    if options.Extensions[options_pb2.public]:
        permission += "public"
    if options.Extensions[options_pb2.internal]:
        permission += "internal"
    return Method(method, verb.upper(), getattr(rule, verb) if verb else "", rule.body, permission)
