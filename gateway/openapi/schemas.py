"""Messages of the contract as JSON Schemas of their proto3 JSON form."""

from collections.abc import Iterable
from typing import Final

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto

from gateway.openapi.rules import (
    Schema,
    cross_field_sentences,
    field_rules,
    is_required,
    item_rules,
    keywords,
    required_oneofs,
    value_rules,
)

_Field = FieldDescriptorProto
_SCALARS: Final[dict[int, Schema]] = {
    _Field.TYPE_STRING: {"type": "string"},
    _Field.TYPE_BOOL: {"type": "boolean"},
    _Field.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    _Field.TYPE_DOUBLE: {"type": "number", "format": "double"},
    _Field.TYPE_FLOAT: {"type": "number", "format": "float"},
    _Field.TYPE_INT32: {"type": "integer", "format": "int32"},
    _Field.TYPE_INT64: {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"},
}
_WELL_KNOWN: Final[dict[str, Schema]] = {
    ".google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    ".google.protobuf.Duration": {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$"},
    ".google.protobuf.Struct": {"type": "object"},
    ".google.protobuf.Value": {},
    ".google.protobuf.ListValue": {"type": "array", "items": {}},
    ".google.protobuf.FieldMask": {"type": "string"},
}


class Schemas:
    """Schemas of the messages and enums that routes use, made when first referred to.

    `components` grows with every reference, so that it holds exactly what the document needs.
    """

    def __init__(
        self,
        messages: dict[str, DescriptorProto],
        enums: dict[str, EnumDescriptorProto],
        comments: dict[str, str],
        answers_only: frozenset[str] = frozenset(),
    ) -> None:
        self._messages = messages
        self._enums = enums
        self._comments = comments
        self._answers_only = answers_only
        self.components: dict[str, Schema] = {}

    def reference(self, type_name: str) -> Schema:
        """A reference to a message's schema (`type_name` with its leading dot)."""
        if type_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[type_name])
        name = component_name(type_name)
        if name not in self.components:
            self.components[name] = {}  # claimed first: messages may contain themselves
            full_name = type_name.removeprefix(".")
            self.components[name] = (
                self._enum(full_name) if full_name in self._enums else self.message(full_name)
            )
        return {"$ref": f"#/components/schemas/{name}"}

    def message(self, full_name: str, *, without: Iterable[str] = ()) -> Schema:
        """A message's own schema, on request without some fields (those that travel in the path)."""
        message = self._messages[full_name]
        fields = [field for field in message.field if field.name not in set(without)]
        json_names = {field.name: field.json_name for field in fields}
        sentences = [self._comments.get(full_name, ""), *cross_field_sentences(message, json_names)]
        schema: Schema = {
            "type": "object",
            "description": "\n\n".join(filter(None, sentences)),
            "properties": {field.json_name: self.field(full_name, field) for field in fields},
        }
        required = [field.json_name for field in fields if self._is_always_there(full_name, field)]
        if required:
            schema["required"] = required
        choices = [self._choice(message, index) for index in required_oneofs(message)]
        if choices:
            schema["allOf"] = choices
        return schema

    def field(self, message: str, field: FieldDescriptorProto) -> Schema:
        """A field's schema with its comment and rules."""
        comment = self._comments.get(f"{message}.{field.name}", "")
        described: Schema = {"description": comment} if comment else {}
        return self._shape(field) | keywords(field_rules(field)) | described

    def is_map(self, field: FieldDescriptorProto) -> bool:
        """Whether a field is a map, which no query parameter can carry."""
        message = self._messages.get(field.type_name.removeprefix("."))
        return message is not None and message.options.map_entry

    def _shape(self, field: FieldDescriptorProto) -> Schema:
        if self.is_map(field):
            values = self._messages[field.type_name.removeprefix(".")].field[1]
            return {
                "type": "object",
                "additionalProperties": self._single(values) | keywords(value_rules(field)),
            }
        if field.label == _Field.LABEL_REPEATED:
            return {"type": "array", "items": self._single(field) | keywords(item_rules(field))}
        return self._single(field)

    def _single(self, field: FieldDescriptorProto) -> Schema:
        if field.type in {_Field.TYPE_MESSAGE, _Field.TYPE_ENUM}:
            return self.reference(field.type_name)
        return dict(_SCALARS[field.type])

    def _enum(self, full_name: str) -> Schema:
        values = [value.name for value in self._enums[full_name].value]
        lines = [f"- `{value}`: {self._comments.get(f'{full_name}.{value}', '')}" for value in values]
        description = "\n".join([self._comments.get(full_name, ""), "", *lines]).strip()
        return {"type": "string", "enum": values, "description": description}

    def _is_always_there(self, full_name: str, field: FieldDescriptorProto) -> bool:
        """Answers print zeros and empty lists; what is unset and optional, or a message, is absent."""
        if full_name not in self._answers_only:
            return is_required(field)
        is_list = field.label == _Field.LABEL_REPEATED
        has_presence = field.type == _Field.TYPE_MESSAGE or field.HasField("oneof_index")
        return is_list or not has_presence

    @staticmethod
    def _choice(message: DescriptorProto, oneof_index: int) -> Schema:
        names = [
            field.json_name
            for field in message.field
            if field.HasField("oneof_index") and field.oneof_index == oneof_index
        ]
        return {"oneOf": [{"required": [name]} for name in names]}


def component_name(type_name: str) -> str:
    """The name of a message among the components: without the platform's prefix, as `metrics.v1.Verdict`."""
    return type_name.removeprefix(".").removeprefix("tickettoken.")
