"""House rules of the contract that buf does not know."""

import importlib
import pkgutil
import re

import protovalidate
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from tickettoken.common.v1 import options_pb2
from tickettoken.common.v1.errors_pb2 import ErrorReason

import gateway
import libs
import services
from gateway.envoy.refusals import REFUSALS
from libs.common.errors import AnalyticsError
from tests.contracts.descriptors import OURS, comments, messages, methods


def _all_comments() -> str:
    return "\n".join(text for file in OURS for _, text in comments(file))


def _comment_of(descriptor: FieldDescriptor) -> str:
    message = descriptor.containing_type
    file = next(file for file in OURS if file.name == message.file.name)
    index = [item.name for item in file.message_type].index(message.name)
    texts = dict(comments(file))
    return texts[(4, index)] + texts.get((4, index, 2, descriptor.index), "")


@pytest.mark.parametrize("method", methods(), ids=str)
def test_method_says_who_may_call_it_and_at_whose_expense(method):
    options = method.descriptor.GetOptions()
    ways = [
        bool(options.Extensions[options_pb2.required_permissions]),
        options.Extensions[options_pb2.public],
        options.Extensions[options_pb2.internal],
    ]

    assert ways.count(True) == 1
    assert options.Extensions[options_pb2.rate_limit_class] in {
        "read",
        "write",
        "bulk",
        "stream",
        "admin",
        "public",
    }


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_every_method_names_its_errors(file):
    texts = dict(comments(file))

    for service_index, service in enumerate(file.service):
        for method_index, method in enumerate(service.method):
            text = texts[(6, service_index, 2, method_index)]
            assert "Errors:" in text, f"{service.name}.{method.name} names no errors"


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_everything_has_a_comment(file):
    texts = dict(comments(file))

    def told(path: tuple[int, ...], name: str) -> None:
        assert texts.get(path, "").strip(), f"{file.name}: {name} has no comment"

    for index, service in enumerate(file.service):
        told((6, index), service.name)
        for inner, method in enumerate(service.method):
            told((6, index, 2, inner), f"{service.name}.{method.name}")
    for index, message in enumerate(file.message_type):
        told((4, index), message.name)
        for inner, field in enumerate(message.field):
            told((4, index, 2, inner), f"{message.name}.{field.name}")
    for index, enum in enumerate(file.enum_type):
        told((5, index), enum.name)
        for inner, value in enumerate(enum.value):
            told((5, index, 2, inner), value.name)


@pytest.mark.parametrize("message", messages(), ids=lambda message: message.full_name)
def test_numbers_are_signed_and_long_ones_are_announced_as_strings(message):
    for field in message.fields:
        assert field.type not in {
            FieldDescriptor.TYPE_UINT32,
            FieldDescriptor.TYPE_UINT64,
            FieldDescriptor.TYPE_FIXED32,
            FieldDescriptor.TYPE_FIXED64,
        }
        if (
            field.type == FieldDescriptor.TYPE_INT64
            and message.file.name != "tickettoken/common/v1/table.proto"
        ):
            assert re.search(r"strings? in JSON", _comment_of(field)), (
                f"{field.full_name}: say that JSON has a string"
            )


@pytest.mark.parametrize("message", messages(), ids=lambda message: message.full_name)
def test_rules_compile_and_name_a_field(message):
    protovalidate.collect_violations(message_factory.GetMessageClass(message)())

    for rule in _cross_field_rules(message):
        assert rule.partition(".")[0] in message.fields_by_name, f"{message.full_name}: {rule} names no field"


@pytest.mark.parametrize("method", methods(), ids=str)
def test_request_and_response_belong_to_one_method(method):
    assert method.descriptor.input_type.name == f"{method.descriptor.name}Request"
    assert method.descriptor.output_type.name == f"{method.descriptor.name}Response"


@pytest.mark.parametrize("method", methods(), ids=str)
def test_deleting_and_replacing_is_never_called_a_read(method):
    if method.verb in {"PUT", "DELETE", "PATCH"}:
        assert method.descriptor.GetOptions().idempotency_level != MethodOptions.NO_SIDE_EFFECTS


def test_every_reason_of_an_error_class_is_in_the_contract():
    for package in (libs, services, gateway):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__") and ".migrations." not in module.name:
                importlib.import_module(module.name)
    documented = set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", _all_comments()))
    documented |= {value.name for file in OURS for enum in file.enum_type for value in enum.value}

    missing = {error.__name__: error.reason for error in _expected_errors() if error.reason not in documented}
    assert missing == {}


def test_no_two_error_classes_share_a_reason():
    reasons = [error.reason for error in _expected_errors()]

    assert sorted(reasons) == sorted(set(reasons))


def _expected_errors() -> list[type[AnalyticsError]]:
    found: list[type[AnalyticsError]] = []
    waiting = [AnalyticsError]
    while waiting:
        for error in waiting.pop().__subclasses__():
            waiting.append(error)
            if "reason" in vars(error) and not error.__module__.startswith("tests."):
                found.append(error)
    return found


def _cross_field_rules(message) -> list[str]:
    from buf.validate import validate_pb2

    return [rule.id for rule in message.GetOptions().Extensions[validate_pb2.message].cel]


def test_refusals_of_the_gateway_itself_have_reasons_of_the_contract():
    assert {refusal.reason for refusal in REFUSALS} <= set(ErrorReason.keys())
