"""Requests of a method of the contract, each with one text that holds U+0000."""

from collections.abc import Iterator
from importlib import import_module
from typing import NamedTuple

from buf.validate import validate_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message

from gateway.envoy.surface import Method
from tests.gateway.front import DESCRIPTORS

BAD = "a\0b"
_FREE = {
    "google.protobuf.Struct": {"fields": {"k": {"list_value": {"values": [{"string_value": BAD}]}}}},
    "google.protobuf.Value": {"string_value": BAD},
    "google.protobuf.ListValue": {"values": [{"string_value": BAD}]},
    "google.protobuf.StringValue": {"value": BAD},
}
"""What JSON spells as a whole, by type."""


_GOOD = {
    FieldDescriptor.TYPE_STRING: "x",
    FieldDescriptor.TYPE_DOUBLE: 1.0,
    FieldDescriptor.TYPE_INT32: 1,
    FieldDescriptor.TYPE_INT64: 1,
    FieldDescriptor.TYPE_BOOL: True,
}


class BadText(NamedTuple):
    """A request and the field at fault, as a refusal names it; `name` is that of the request's own field."""

    request: Message
    path: str
    name: str


def bad_texts_of(method: Method) -> list[BadText]:
    """A request for every place of the method's request that a text can be in."""
    _know_the_contract()
    service = descriptor_pool.Default().FindServiceByName(method.service)
    request = service.methods_by_name[method.name].input_type
    return [
        BadText(message_factory.GetMessageClass(request)(**values), path, next(iter(values)))
        for values, path in _bad(request, ())
    ]


def _bad(message: Descriptor, around: tuple[str, ...]) -> Iterator[tuple[dict, str]]:
    """Values of a message's fields with one bad text, and its path."""
    if message.full_name in around:
        return
    inside = (*around, message.full_name)
    for field in message.fields:
        if _is_judged_by_item(field):
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            found = _of_map(field.message_type, inside)
        elif field.is_repeated:
            found = (([value], f"[0]{path}") for value, path in _of_one(field, inside))
        else:
            found = _of_one(field, inside)
        for value, path in found:
            yield {field.name: value}, f"{field.json_name}{path}"


def _of_map(entry: Descriptor, around: tuple[str, ...]) -> Iterator[tuple[object, str]]:
    """Bad values of a map with keys of text: a bad key, then a good one with each bad value."""
    value = entry.fields_by_name["value"]
    yield {BAD: {} if value.message_type is not None else _GOOD[value.type]}, "[]"
    for one, path in _of_one(value, around):
        yield {"k": one}, f'["k"]{path}'


def _of_one(field: FieldDescriptor, around: tuple[str, ...]) -> Iterator[tuple[object, str]]:
    """Bad values of one element of a field, and where in it the bad text is."""
    if field.type == FieldDescriptor.TYPE_STRING:
        yield BAD, ""
    elif field.message_type is not None:
        if (free := _FREE.get(field.message_type.full_name)) is not None:
            yield free, ""
        else:
            for values, path in _bad(field.message_type, around):
                yield values, f".{path}"


def _is_judged_by_item(field: FieldDescriptor) -> bool:
    """Rows of bulk calls: a refusal is a verdict on one of them."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    return rules.repeated.items.ignore == validate_pb2.IGNORE_ALWAYS


def _know_the_contract() -> None:
    """Load every file of ours that has services."""
    for file in FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file:
        if file.package.startswith("tickettoken.") and file.service:
            import_module(file.name.removesuffix(".proto").replace("/", ".") + "_pb2")
