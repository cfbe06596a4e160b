"""Every route of the platform's list is in the contract: path, permission, fields, limits."""

import csv
import re

import protovalidate
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message

from tests.contracts.descriptors import ROOT, Method, methods
from tests.contracts.route_fields import RouteField, parse

BUILT = ("metrics.v1.", "customers.v1.", "gateway.v1.")
METHODS = {str(method): method for method in methods()}
with (ROOT / "tests/data/routes.csv").open() as routes_file:
    ROUTES = [row for row in csv.DictReader(routes_file) if row["service"].startswith(BUILT)]
with (ROOT / "tests/data/rpcs.csv").open() as rpcs_file:
    RPCS = [row for row in csv.DictReader(rpcs_file) if row["service"].startswith(BUILT)]


def _route_id(row: dict[str, str]) -> str:
    return f"{row['method']} {row['path']}"


@pytest.mark.parametrize("row", ROUTES, ids=_route_id)
def test_route_has_the_path_and_permission_of_the_list(row):
    method = METHODS[f"{row['service']}.{row['rpc']}"]

    assert (method.verb, method.path) == (row["method"], row["path"])
    assert method.body == ("*" if row["method"] in {"POST", "PUT", "PATCH"} else "")
    assert method.permission == row["permission"]


@pytest.mark.parametrize("row", RPCS, ids=lambda row: f"{row['service']}.{row['rpc']}")
def test_rpc_without_route_has_the_kind_and_permission_of_the_list(row):
    method = METHODS[f"{row['service']}.{row['rpc']}"]
    kinds = {
        (False, False): "unary",
        (False, True): "server stream",
        (True, True): "bidirectional stream",
    }

    assert method.path == ""
    assert kinds[method.descriptor.client_streaming, method.descriptor.server_streaming] == row["kind"]
    assert method.permission == row["permission"]


def test_contract_has_no_method_beyond_the_lists():
    listed = {f"{row['service']}.{row['rpc']}" for row in (*ROUTES, *RPCS)}

    assert {name for name in METHODS if name.startswith(BUILT)} == listed


@pytest.mark.parametrize("method", METHODS.values(), ids=str)
def test_reads_say_that_they_have_no_side_effects(method):
    is_read = method.descriptor.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    reading_posts = {
        "metrics.v1.AnalyticsService.ExecuteQuery",
        "customers.v1.CustomerPredictionsService.PredictChurn",
        "customers.v1.CustomerPredictionsService.PredictLifetimeValue",
    }
    writing_rpcs = {"metrics.v1.MetricsService.StreamMetrics"}

    assert is_read == (
        method.verb == "GET"
        or str(method) in reading_posts
        or (not method.verb and str(method) not in writing_rpcs)
    )


@pytest.mark.parametrize("method", [method for method in METHODS.values() if method.path], ids=str)
def test_words_in_paths_are_ids_or_slugs(method):
    for name in re.findall(r"{(\w+)}", method.path):
        assert _breaks(method.request(**{name: "not/a slug"}), name)
        assert _breaks(method.request(), name)


@pytest.mark.parametrize(
    ("row", "field"),
    [(row, field) for row in ROUTES for field in parse(row["request_fields"])],
    ids=lambda value: value.name if isinstance(value, RouteField) else _route_id(value),
)
def test_request_field_has_the_name_and_rules_of_the_list(row, field):
    method = METHODS[f"{row['service']}.{row['rpc']}"]
    descriptor = next(item for item in method.descriptor.input_type.fields if item.json_name == field.name)

    assert _breaks(method.request(), descriptor.name) == field.required
    if field.repeated:
        assert descriptor.is_repeated
    if field.bounds:
        _assert_bounds(method, descriptor, *field.bounds)
    for word in field.words:
        assert not _breaks(_with(method, descriptor, word), descriptor.name)
    if field.words:
        assert _breaks(_with(method, descriptor, "no_such_word"), descriptor.name)
    if field.parts:
        assert {item.json_name for item in descriptor.message_type.fields} == set(field.parts)


@pytest.mark.parametrize("row", ROUTES, ids=_route_id)
def test_request_has_no_field_beyond_the_list(row):
    method = METHODS[f"{row['service']}.{row['rpc']}"]
    in_path = set(re.findall(r"{(\w+)}", method.path))
    listed = {field.name for field in parse(row["request_fields"])}
    further = {
        "customers.v1.PrivacyService.ExportCustomerData": {"pageSize", "pageToken"},
        "metrics.v1.AnalyticsService.ExecuteQuery": {"limit", "timeZone"},
    }

    fields = {item.json_name for item in method.descriptor.input_type.fields if item.name not in in_path}
    assert fields == listed | further.get(str(method), set())


def _assert_bounds(method: Method, descriptor: FieldDescriptor, low: int, high: int) -> None:
    if descriptor.is_repeated:
        empty = [descriptor.message_type._concrete_class()]
        assert _breaks(_with(method, descriptor, empty * (high + 1)), descriptor.name)
        assert not _breaks(_with(method, descriptor, empty * high), descriptor.name)
        return
    for value, refused in ((low - 1, True), (low, False), (high, False), (high + 1, True)):
        assert _breaks(_with(method, descriptor, value), descriptor.name) == refused


def _with(method: Method, descriptor: FieldDescriptor, value: object) -> Message:
    wrapped = [value] if descriptor.is_repeated and not isinstance(value, list) else value
    return method.request(**{descriptor.name: wrapped})


def _breaks(request: Message, field: str) -> bool:
    """Whether a rule of this field is broken."""
    found = protovalidate.collect_violations(request)
    return any(item.proto.field and item.proto.field.elements[0].field_name == field for item in found)
