"""The OpenAPI document says what the contract says, and is a valid document."""

import json
import re

import pytest
from openapi_spec_validator import validate

from gateway.openapi import document
from tests.contracts.descriptors import DESCRIPTORS, methods

DOCUMENT = document(DESCRIPTORS, version="1.2.3")
ROUTES = [method for method in methods() if method.path]
SCHEMAS = DOCUMENT["components"]["schemas"]


def _operation(path: str, verb: str = "get") -> dict:
    return DOCUMENT["paths"][path][verb]


def _parameter(operation: dict, name: str) -> dict:
    return next(parameter for parameter in operation["parameters"] if parameter["name"] == name)


def test_document_is_valid_openapi():
    validate(json.loads(json.dumps(DOCUMENT)))

    assert DOCUMENT["openapi"].startswith("3.1")
    assert DOCUMENT["info"]["version"] == "1.2.3"


@pytest.mark.parametrize("method", ROUTES, ids=str)
def test_every_route_is_an_operation_with_its_permission(method):
    operation = _operation(method.path, method.verb.lower())
    security = [] if method.permission == "public" else [{"bearer": method.permission.split("+")}]

    assert operation["operationId"] == f"{method.service.rpartition('.')[2]}.{method.descriptor.name}"
    assert operation["security"] == security
    assert operation["summary"]
    assert ("requestBody" in operation) == bool(method.body)
    in_path = {item["name"] for item in operation["parameters"] if item["in"] == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", method.path))
    assert all(item["description"] for item in operation["parameters"])


def test_every_reference_leads_somewhere_and_nothing_is_left_over():
    referred = set(re.findall(r'"#/components/schemas/([\w.]+)"', json.dumps(DOCUMENT)))

    assert referred == set(SCHEMAS)


def test_query_parameters_carry_rules_and_comments():
    operation = _operation("/api/metrics/{venue_id}")

    assert _parameter(operation, "venue_id")["schema"] == {"type": "string", "format": "uuid"}
    assert _parameter(operation, "startDate")["required"] is True
    assert _parameter(operation, "granularity")["schema"]["enum"] == ["hour", "day", "week", "month"]
    assert "required" not in _parameter(operation, "granularity")
    assert _parameter(operation, "dimension")["schema"]["maxItems"] == 10
    assert "nextPageToken" in _parameter(operation, "pageToken")["description"]


def test_bodies_require_what_the_rules_require():
    body = SCHEMAS["metrics.v1.RecordMetricRequest"]

    assert body["required"] == ["metricType", "value", "venueId"]
    assert body["properties"]["value"]["type"] == "number"
    assert body["properties"]["dimensions"]["maxProperties"] == 10
    assert body["properties"]["dimensions"]["propertyNames"] == {"minLength": 1, "maxLength": 64}
    assert SCHEMAS["metrics.v1.BulkRecordMetricsRequest"]["properties"]["metrics"]["maxItems"] == 10_000


def test_path_fields_are_not_in_the_body():
    operation = _operation("/api/realtime/venue/{venue_id}/counter", "post")
    schema = operation["requestBody"]["content"]["application/json"]["schema"]

    assert set(schema["properties"]) == {"counterType", "increment"}
    assert schema["properties"]["increment"]["minimum"] == -1_000_000


def test_long_numbers_are_strings_and_times_are_date_times():
    money = SCHEMAS["common.v1.Money"]["properties"]
    bucket = SCHEMAS["metrics.v1.MetricBucket"]["properties"]

    assert (money["amountMinor"]["type"], money["amountMinor"]["format"]) == ("string", "int64")
    assert bucket["startTime"] == {"type": "string", "format": "date-time"} | {
        "description": bucket["startTime"]["description"]
    }
    assert bucket["count"]["type"] == "integer"


def test_answers_require_what_is_always_printed():
    bucket = SCHEMAS["metrics.v1.MetricBucket"]

    assert bucket["required"] == ["count", "sum"]


def test_rules_across_fields_are_told_in_words():
    query = SCHEMAS["metrics.v1.QueryTimeRange"]

    assert "`end` must be after start." in query["description"]


def test_event_needs_exactly_one_payload():
    (choice,) = SCHEMAS["events.v1.Event"]["allOf"]

    assert {"required": ["orderCompleted"]} in choice["oneOf"]
    assert len(choice["oneOf"]) == 25


def test_calls_with_an_effect_take_an_idempotency_key():
    def takes_key(path: str, verb: str) -> bool:
        return any(item["name"] == "Idempotency-Key" for item in _operation(path, verb)["parameters"])

    assert takes_key("/api/metrics", "post")
    assert takes_key("/api/cache/flush", "delete")
    assert not takes_key("/api/analytics/query", "post")
    assert not takes_key("/api/metrics/{venue_id}", "get")


def test_streams_are_server_sent_events():
    answer = _operation("/api/realtime/venue/{venue_id}/stream")["responses"]["200"]

    assert list(answer["content"]) == ["text/event-stream"]


@pytest.mark.parametrize("method", ROUTES, ids=str)
def test_every_refusal_has_the_one_error_shape(method):
    responses = _operation(method.path, method.verb.lower())["responses"]

    assert ("401" in responses) == (method.permission != "public")
    for status, response in responses.items():
        if status == "default":
            assert response == {"$ref": "#/components/responses/Error"}
        elif status != "200":
            assert response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


def test_documented_reasons_stand_at_their_status():
    responses = _operation("/api/metrics", "post")["responses"]

    assert "TIMESTAMP_TOO_OLD" in responses["400"]["description"]
    assert "VENUE_NOT_FOUND" in responses["404"]["description"]
    assert "SERIES_BUDGET_EXCEEDED" in responses["429"]["description"]
