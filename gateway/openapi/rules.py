"""Validation rules of the contract as JSON Schema keywords."""

from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto
from google.protobuf.message import Message

Schema = dict[str, Any]
_NUMERIC_KEYWORDS = {
    "gt": "exclusiveMinimum",
    "gte": "minimum",
    "lt": "exclusiveMaximum",
    "lte": "maximum",
    "const": "const",
}
_STRING_KEYWORDS = {"min_len": "minLength", "max_len": "maxLength", "pattern": "pattern", "const": "const"}
_STRING_FORMATS = {
    "uuid": "uuid",
    "email": "email",
    "hostname": "hostname",
    "uri": "uri",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
}
_LONG = {"int64", "sint64", "sfixed64"}


def field_rules(field: FieldDescriptorProto) -> validate_pb2.FieldRules:
    """The rules of a field; empty ones when it has none."""
    return field.options.Extensions[validate_pb2.field]


def is_required(field: FieldDescriptorProto) -> bool:
    """Whether a request without this field is refused."""
    rules = field_rules(field)
    if rules.required:
        return True
    if rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE or field.proto3_optional:
        return False
    if rules.repeated.min_items:
        return True
    text = rules.string
    return bool(
        text.uuid or text.min_len or getattr(text, "in") or text.pattern.startswith(("^[a-z]", "^[A-Z]"))
    )


def keywords(rules: validate_pb2.FieldRules) -> Schema:
    """The keywords for the value itself (for repeated fields and maps: for the whole)."""
    kind = rules.WhichOneof("type")
    if kind is None:
        return {}
    inner = getattr(rules, kind)
    if kind == "string":
        return _string_keywords(inner)
    if kind == "repeated":
        named = {"min_items": "minItems", "max_items": "maxItems"}
        unique: Schema = {"uniqueItems": True} if inner.unique else {}
        return {
            keyword: getattr(inner, name) for name, keyword in named.items() if inner.HasField(name)
        } | unique
    if kind == "map":
        named = {"min_pairs": "minProperties", "max_pairs": "maxProperties"}
        limits: Schema = {
            keyword: getattr(inner, name) for name, keyword in named.items() if inner.HasField(name)
        }
        names = keywords(inner.keys)
        return limits | ({"propertyNames": names} if names else {})
    if kind in _LONG or not hasattr(inner, "gte"):
        return {}  # a long number is text in JSON: its limits stand in the comment
    return _numeric_keywords(inner)


def item_rules(field: FieldDescriptorProto) -> validate_pb2.FieldRules:
    """The rules of each entry of a repeated field."""
    return field_rules(field).repeated.items


def value_rules(field: FieldDescriptorProto) -> validate_pb2.FieldRules:
    """The rules of each value of a map."""
    return field_rules(field).map.values


def cross_field_sentences(message: DescriptorProto, json_names: dict[str, str]) -> list[str]:
    """Rules over several fields, one sentence each, beginning with the field at fault."""
    rules = message.options.Extensions[validate_pb2.message]
    named = [(json_names.get(rule.id.partition(".")[0], rule.id), rule.message) for rule in rules.cel]
    return [f"`{name}` {text}." for name, text in named]


def required_oneofs(message: DescriptorProto) -> list[int]:
    """Positions of the oneofs of which one field must be set."""
    return [
        index
        for index, oneof in enumerate(message.oneof_decl)
        if oneof.options.Extensions[validate_pb2.oneof].required
    ]


def _string_keywords(text: validate_pb2.StringRules) -> Schema:
    stated = {field.name: value for field, value in text.ListFields()}
    found: Schema = {keyword: stated[name] for name, keyword in _STRING_KEYWORDS.items() if name in stated}
    if "in" in stated:
        found["enum"] = list(stated["in"])
    for rule, name in _STRING_FORMATS.items():
        if stated.get(rule):
            found["format"] = name
    return found


def _numeric_keywords(number: Message) -> Schema:
    stated = {field.name: value for field, value in number.ListFields()}
    found: Schema = {keyword: stated[name] for name, keyword in _NUMERIC_KEYWORDS.items() if name in stated}
    if "in" in stated:
        found["enum"] = list(stated["in"])
    return found
