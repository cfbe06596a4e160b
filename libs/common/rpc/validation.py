"""Rules of the contract applied to requests; bad fields are named the way JSON spells them."""

from typing import Final, cast

import protovalidate
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from libs.common.errors import FieldViolation, InvalidField
from libs.common.rpc.errors import RequestMalformed
from libs.common.rpc.methods import ContractRefused
from libs.common.rpc.texts import problems_of_texts

_REMEMBERED_BYTES: Final = 512
_REMEMBERED_REQUESTS: Final = 4096

_validator = protovalidate.Validator()
_passed: set[tuple[type[Message], bytes]] = set()


def compile_rules(message: type[Message]) -> None:
    """Compile a message's rules now, so that a broken rule stops the start and not the first call.

    Raises:
        ContractRefused: A rule cannot be compiled.
    """
    try:
        _validator.collect_violations(message())
    except protovalidate.CompilationError as error:
        raise ContractRefused(f"{message.DESCRIPTOR.full_name}: {error}") from error


def check_repeated(request: Message, data: bytes) -> None:
    """The same as `check`, but small requests that passed are remembered: dashboards ask again and again.

    Rules depend on nothing but the request, so what passed once passes always.

    Args:
        request: What `data` stands for.
        data: The request as it came.

    Raises:
        InvalidField: As `check`.
    """
    if len(data) > _REMEMBERED_BYTES:
        check(request, data)
        return
    known = (type(request), data)
    if known not in _passed:
        check(request, data)
        if len(_passed) >= _REMEMBERED_REQUESTS:
            _passed.clear()
        _passed.add(known)


def check(request: Message, data: bytes) -> None:
    """Return when every rule holds, and every text is one that the stores can keep.

    Args:
        request: What `data` stands for.
        data: The request as it came.

    Raises:
        InvalidField: With one violation for each rule that is broken, and each such text.
    """
    violations = [*broken_rules(request), *problems_of_texts(request, data)]
    if violations:
        fields = ", ".join(sorted({violation.field for violation in violations if violation.field})[:5])
        raise InvalidField(f"invalid request: {fields or violations[0].description}", violations=violations)


def broken_rules(message: Message) -> list[FieldViolation]:
    """Each broken rule with its field's path, such as metrics[3].venueId.

    A rule across fields has the id `<field>.<rule>` in the contract, and that field is named.
    """
    found = _validator.collect_violations(message)
    descriptor = cast("Descriptor", message.DESCRIPTOR)
    return [_violation(descriptor, violation) for violation in found] if found else []


def parsed(message: type[Message], data: bytes) -> Message:
    """The request of these bytes.

    Raises:
        RequestMalformed: They are not such a message.
    """
    try:
        return message.FromString(data)
    except Exception as error:
        raise RequestMalformed(f"the request is not a {message.DESCRIPTOR.name}") from error


def _violation(root: Descriptor, violation: protovalidate.Violation) -> FieldViolation:
    proto = violation.proto
    elements = proto.field.elements if proto.field is not None else []
    path = _json_path(root, elements, proto.rule_id)
    return FieldViolation(path, proto.message or f"breaks the rule {proto.rule_id}")


def _json_path(root: Descriptor, elements: list[protovalidate.FieldPathElementPb], rule_id: str) -> str:
    path = ""
    descriptor: Descriptor | None = root
    for element in elements:
        field = descriptor.fields_by_name.get(element.field_name) if descriptor is not None else None
        name = field.json_name if field is not None else element.field_name
        path += f".{name}" if path else name
        if element.subscript is not None:
            path += f"[{_subscript(element.subscript.value)}]"
        descriptor = _inside(field)
    named = descriptor.fields_by_name.get(rule_id.partition(".")[0]) if descriptor is not None else None
    return ".".join(filter(None, (path, named.json_name if named is not None else "")))


def _subscript(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _inside(field: FieldDescriptor | None) -> Descriptor | None:
    """The message a field (or its map's values) consists of, or None for scalars."""
    if field is None or field.message_type is None:
        return None
    inner: Descriptor = field.message_type
    if inner.GetOptions().map_entry:
        return inner.fields_by_name["value"].message_type
    return inner
