"""Comments of the contract, by the full name of what they describe."""

import re
from collections.abc import Iterable

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto

_FIRST_SENTENCE = re.compile(r"(?P<first>.+?[.:])(?:\s+(?P<rest>.*))?$", re.DOTALL)
# Field numbers of descriptor.proto, which paths of source locations consist of.
_FILE_MESSAGE, _FILE_ENUM, _FILE_SERVICE = 4, 5, 6
_MESSAGE_FIELD, _MESSAGE_NESTED, _MESSAGE_ENUM = 2, 3, 4
_ENUM_VALUE = _SERVICE_METHOD = 2

Path = tuple[int, ...]


def comments_of(files: Iterable[FileDescriptorProto]) -> dict[str, str]:
    """The leading comment of every element that has one, such as `tickettoken.common.v1.Money.currency`."""
    found: dict[str, str] = {}
    for file in files:
        names = dict(_names(file))
        for location in file.source_code_info.location:
            name = names.get(tuple(location.path))
            if name is not None and location.leading_comments:
                found[name] = _text(location.leading_comments)
    return found


def first_sentence(text: str) -> tuple[str, str]:
    """The first sentence without its full stop, and what follows it."""
    match = _FIRST_SENTENCE.match(text)
    if match is None:
        return text, ""
    return " ".join(match["first"][:-1].split()), (match["rest"] or "").strip()


def _text(comment: str) -> str:
    """A comment as Markdown: lines of one paragraph joined, paragraphs kept, notes to tools left out."""
    lines = [line.strip() for line in comment.splitlines() if "buf:lint:ignore" not in line]
    paragraphs = "\n".join(lines).strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _names(file: FileDescriptorProto) -> Iterable[tuple[Path, str]]:
    for index, message in enumerate(file.message_type):
        yield from _message_names((_FILE_MESSAGE, index), f"{file.package}.{message.name}", message)
    for index, enum in enumerate(file.enum_type):
        path, name = (_FILE_ENUM, index), f"{file.package}.{enum.name}"
        yield path, name
        yield from (((*path, _ENUM_VALUE, i), f"{name}.{value.name}") for i, value in enumerate(enum.value))
    for index, service in enumerate(file.service):
        path, name = (_FILE_SERVICE, index), f"{file.package}.{service.name}"
        yield path, name
        yield from (
            ((*path, _SERVICE_METHOD, i), f"{name}.{method.name}") for i, method in enumerate(service.method)
        )


def _message_names(path: Path, name: str, message: DescriptorProto) -> Iterable[tuple[Path, str]]:
    yield path, name
    for index, field in enumerate(message.field):
        yield (*path, _MESSAGE_FIELD, index), f"{name}.{field.name}"
    for index, nested in enumerate(message.nested_type):
        yield from _message_names((*path, _MESSAGE_NESTED, index), f"{name}.{nested.name}", nested)
    for index, enum in enumerate(message.enum_type):
        inner = (*path, _MESSAGE_ENUM, index)
        yield inner, f"{name}.{enum.name}"
        for value_index, value in enumerate(enum.value):
            yield (*inner, _ENUM_VALUE, value_index), f"{name}.{enum.name}.{value.name}"
