"""Texts that no store can keep."""

from collections.abc import Iterator
from typing import Any, Final, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from libs.common.errors import FieldViolation

_NUL: Final = "\0"
_REFUSED: Final = "must not contain the character U+0000"


def problems_of_texts(message: Message) -> list[FieldViolation]:
    """The fields of a message, at any depth, whose text contains NUL: PostgreSQL refuses such a row.

    A message whose encoding has no zero byte has no such text, which is nearly always so and costs a
    microsecond to see; only the others are walked through.
    """
    if b"\0" not in message.SerializeToString():
        return []
    return [FieldViolation(path, _REFUSED) for path in _fields_with_nul(message, "")]


def _fields_with_nul(message: Message, prefix: str) -> Iterator[str]:
    for field, value in message.ListFields():
        path = f"{prefix}{field.json_name}"
        if _is_map(field):
            for key, inner in value.items():
                yield from _in_value(key, f"{path}[]")
                yield from _in_value(inner, f'{path}["{str(key).replace(_NUL, "")}"]')
        elif field.is_repeated:
            for place, inner in enumerate(value):
                yield from _in_value(inner, f"{path}[{place}]")
        else:
            yield from _in_value(value, path)


def _in_value(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Message):
        yield from _fields_with_nul(value, f"{path}.")
    elif isinstance(value, str) and _NUL in value:
        yield path


def _is_map(field: FieldDescriptor) -> bool:
    inner = field.message_type
    return inner is not None and bool(cast("Any", inner.GetOptions()).map_entry)
