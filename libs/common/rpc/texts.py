"""Texts that no store can keep."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple, cast

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from libs.common.errors import FieldViolation

_NUL: Final = "\0"
_REFUSED: Final = "must not contain the character U+0000"
_WELL_KNOWN: Final = "google.protobuf."


def problems_of_texts(message: Message, data: bytes | None = None) -> list[FieldViolation]:
    """The fields of a message, at any depth, whose text contains NUL: PostgreSQL refuses such a row.

    A message whose encoding has no zero byte has no such text, which is nearly always so and costs a
    microsecond to see; only the others are walked through. Rows of bulk calls, which the contract leaves to
    be judged one by one, are left out.

    Args:
        message: Any message.
        data: Its encoding, where that is known.
    """
    if b"\0" not in (message.SerializeToString() if data is None else data):
        return []
    return [FieldViolation(path, _REFUSED) for path in _fields_with_nul(message, "")]


def _fields_with_nul(message: Message, prefix: str) -> Iterator[str]:
    for field in _fields_of(cast("Descriptor", message.DESCRIPTOR)):
        if field.is_message and not message.HasField(field.name):
            continue
        value = getattr(message, field.name)
        if not value or (isinstance(value, str) and _NUL not in value):
            continue  # nearly always, so that no path is spelled
        path = f"{prefix}{field.json_name}"
        if field.is_map:
            for key, inner in value.items():
                yield from _in_value(key, f"{path}[]")
                yield from _in_value(inner, f'{path}["{str(key).replace(_NUL, "")}"]')
        elif field.is_list:
            for place, inner in enumerate(value):
                yield from _in_value(inner, f"{path}[{place}]")
        else:
            yield from _in_value(value, path)


def _in_value(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Message):
        if not cast("Descriptor", value.DESCRIPTOR).full_name.startswith(_WELL_KNOWN):
            yield from _fields_with_nul(value, f"{path}.")
        elif any(_fields_with_nul(value, "")):  # JSON does not spell the fields of a Struct or of a wrapper
            yield path
    elif isinstance(value, str) and _NUL in value:
        yield path


class _Field(NamedTuple):
    """A field that can hold a text, itself or further inside; `is_message`: a single one, maybe unset."""

    name: str
    json_name: str
    is_map: bool
    is_list: bool
    is_message: bool


@cache
def _fields_of(message: Descriptor) -> tuple[_Field, ...]:
    """The fields of a message that can hold a text and are not left to whoever judges a bulk call's rows."""
    return tuple(
        _Field(
            field.name,
            field.json_name,
            is_map=_is_map(field),
            is_list=field.is_repeated,
            is_message=field.message_type is not None and not field.is_repeated,
        )
        for field in message.fields
        if _can_hold_text(field, frozenset()) and not _is_judged_by_item(field)
    )


def _can_hold_text(field: FieldDescriptor, around: frozenset[str]) -> bool:
    inner = field.message_type
    if inner is None:
        return field.type == FieldDescriptor.TYPE_STRING
    if inner.full_name in around:
        return False
    return any(_can_hold_text(one, around | {inner.full_name}) for one in inner.fields)


def _is_map(field: FieldDescriptor) -> bool:
    inner = field.message_type
    return inner is not None and bool(cast("Any", inner.GetOptions()).map_entry)


def _is_judged_by_item(field: FieldDescriptor) -> bool:
    rules = cast("Any", field.GetOptions()).Extensions[validate_pb2.field]
    return bool(rules.repeated.items.ignore == validate_pb2.IGNORE_ALWAYS)
