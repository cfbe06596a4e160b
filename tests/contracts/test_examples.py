"""Good and bad requests of the recording, reading and event methods, judged by the contract alone."""

import re
from copy import deepcopy
from datetime import UTC, datetime

import protovalidate
import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from tickettoken.events.v1 import envelope_pb2
from tickettoken.metrics.v1 import (
    capacity_pb2,
    counters_pb2,
    ingest_service_pb2,
    live_pb2,
    query_pb2,
    recording_pb2,
    revenue_pb2,
    series_pb2,
    trends_pb2,
)

from tests.contracts.descriptors import OURS, comments

ID = "0190b5a2-7c3e-7000-8000-0123456789ab"
WINDOW = {"startDate": "2026-03-01T00:00:00Z", "endDate": "2026-03-02T00:00:00Z"}
METRIC = {"metricType": "queue_length", "value": 4.5, "venueId": ID}
EVENT = {
    "eventId": ID,
    "type": "order.completed",
    "venueId": ID,
    "entityId": ID,
    "occurredAt": "2026-03-01T18:00:00Z",
    "producer": "ticketing",
    "orderCompleted": {
        "orderId": ID,
        "channel": "web",
        "currency": "EUR",
        "lines": [{"quantity": 2, "unitPriceMinor": "4500"}],
        "gross": {"amountMinor": "9000", "currency": "EUR"},
    },
}
GOOD: list[tuple[type[Message], dict]] = [
    (recording_pb2.RecordMetricRequest, METRIC),
    (recording_pb2.RecordMetricRequest, METRIC | {"value": 0, "dimensions": {"gate": ""}, "metricId": ID}),
    (recording_pb2.BulkRecordMetricsRequest, {"metrics": [METRIC]}),
    (recording_pb2.BulkRecordMetricsRequest, {"metrics": [{}]}),
    (recording_pb2.StreamMetricsRequest, {"sequence": "1", "metrics": [METRIC]}),
    (series_pb2.ListMetricsRequest, {"venueId": ID, "metricType": "queue_length", **WINDOW}),
    (series_pb2.AggregateMetricsRequest, {"venueId": ID, "metricType": "a", "aggregation": "p95", **WINDOW}),
    (
        trends_pb2.GetMetricTrendsRequest,
        {"venueId": ID, "metricType": "a", "periods": 12, "periodUnit": "day"},
    ),
    (live_pb2.WatchVenueMetricsRequest, {"venueId": ID, "metrics": ["tickets_sold"]}),
    (revenue_pb2.GetRevenueSummaryRequest, WINDOW),
    (capacity_pb2.GetCapacityMetricsRequest, {"venueId": ID}),
    (counters_pb2.IncrementCounterRequest, {"venueId": ID, "counterType": "people_inside", "increment": 0}),
    (ingest_service_pb2.PublishEventsRequest, {"events": [EVENT]}),
    (ingest_service_pb2.PublishEventsRequest, {"events": [{}]}),
    (envelope_pb2.Event, EVENT),
]
BAD: list[tuple[type[Message], dict, str]] = [
    (recording_pb2.RecordMetricRequest, {"metricType": "a", "venueId": ID}, "value"),
    (recording_pb2.RecordMetricRequest, METRIC | {"value": "Infinity"}, "value"),
    (recording_pb2.RecordMetricRequest, METRIC | {"value": "NaN"}, "value"),
    (recording_pb2.RecordMetricRequest, METRIC | {"metricType": "Queue-Length"}, "metric_type"),
    (recording_pb2.RecordMetricRequest, METRIC | {"metricType": "a" * 65}, "metric_type"),
    (recording_pb2.RecordMetricRequest, METRIC | {"venueId": "17"}, "venue_id"),
    (recording_pb2.RecordMetricRequest, METRIC | {"metricId": "17"}, "metric_id"),
    (recording_pb2.RecordMetricRequest, METRIC | {"dimensions": {"": "x"}}, "dimensions"),
    (recording_pb2.RecordMetricRequest, METRIC | {"dimensions": {"gate": "x" * 257}}, "dimensions"),
    (
        recording_pb2.RecordMetricRequest,
        METRIC | {"dimensions": {str(n): "" for n in range(11)}},
        "dimensions",
    ),
    (recording_pb2.MetricInput, {"metricType": "a", "venueId": ID}, "value"),
    (recording_pb2.BulkRecordMetricsRequest, {}, "metrics"),
    (recording_pb2.BulkRecordMetricsRequest, {"metrics": [{}] * 10_001}, "metrics"),
    (recording_pb2.StreamMetricsRequest, {"metrics": [METRIC]}, "sequence"),
    (
        series_pb2.ListMetricsRequest,
        {"venueId": ID, "metricType": "a"} | WINDOW | {"pageSize": -1},
        "page_size",
    ),
    (
        series_pb2.ListMetricsRequest,
        {"venueId": ID, "metricType": "a"} | WINDOW | {"dimension": ["x"]},
        "dimension",
    ),
    (series_pb2.AggregateMetricsRequest, {"venueId": ID, "metricType": "a"} | WINDOW, "aggregation"),
    (trends_pb2.GetMetricTrendsRequest, {"venueId": ID, "metricType": "a", "periodUnit": "day"}, "periods"),
    (revenue_pb2.GetRevenueSummaryRequest, {"startDate": WINDOW["startDate"]}, "end_date"),
    (
        revenue_pb2.GetRevenueSummaryRequest,
        WINDOW | {"endDate": WINDOW["startDate"]},
        "end_date.after_start_date",
    ),
    (
        query_pb2.ExecuteQueryRequest,
        {"metrics": ["revenue"], "timeRange": {"start": WINDOW["endDate"], "end": WINDOW["startDate"]}},
        "time_range",
    ),
    (ingest_service_pb2.PublishEventsRequest, {"events": [EVENT] * 1001}, "events"),
    (envelope_pb2.Event, EVENT | {"type": "order.refunded"}, "type.matches_payload"),
    (envelope_pb2.Event, {key: value for key, value in EVENT.items() if key != "orderCompleted"}, "payload"),
]


@pytest.mark.parametrize(("kind", "fields"), GOOD, ids=lambda value: getattr(value, "__name__", ""))
def test_good_request_is_accepted(kind, fields):
    protovalidate.validate(_message(kind, fields))


@pytest.mark.parametrize(
    ("kind", "fields", "culprit"), BAD, ids=lambda value: getattr(value, "__name__", None)
)
def test_bad_request_is_refused_at_the_field_in_question(kind, fields, culprit):
    violations = protovalidate.collect_violations(_message(kind, fields))

    named = [
        item.proto.field.elements[0].field_name if item.proto.field else item.proto.rule_id
        for item in violations
    ]
    assert culprit in named


def test_order_in_two_currencies_is_refused():
    mixed = deepcopy(EVENT)
    mixed["orderCompleted"]["fees"] = {"amountMinor": "10", "currency": "USD"}

    (violation,) = protovalidate.collect_violations(_message(envelope_pb2.Event, mixed))

    assert violation.proto.rule_id == "fees.in_order_currency"


def test_every_payload_goes_with_the_type_its_comment_names():
    envelope = next(file for file in OURS if file.name.endswith("events/v1/envelope.proto"))
    fields = {tuple(path): text for path, text in comments(envelope)}
    payload = envelope_pb2.Event.DESCRIPTOR.oneofs_by_name["payload"].fields
    assert len(payload) == 25

    for field in payload:
        dotted = re.search(r'Type "([a-z_.]+)"', fields[4, 0, 2, field.index])
        event = envelope_pb2.Event(type=dotted.group(1))
        getattr(event, field.name).SetInParent()

        rules = {item.proto.rule_id for item in protovalidate.collect_violations(event)}
        assert "type.matches_payload" not in rules


def test_zero_is_a_value_and_absence_is_not():
    zero = _message(recording_pb2.RecordMetricRequest, METRIC | {"value": 0})
    absent = _message(recording_pb2.RecordMetricRequest, {"metricType": "a", "venueId": ID})

    assert zero.HasField("value")
    assert not absent.HasField("value")


def test_times_are_instants_not_texts():
    request = _message(
        revenue_pb2.GetRevenueSummaryRequest, WINDOW | {"startDate": "2026-03-01T01:00:00+01:00"}
    )

    assert request.start_date.ToDatetime(UTC) == datetime(2026, 3, 1, tzinfo=UTC)


def _message(kind: type[Message], fields: dict) -> Message:
    return ParseDict(fields, kind())
