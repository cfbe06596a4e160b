"""Texts with NUL are found wherever they are, and zero bytes that are no text are none."""

from uuid import uuid4

import pytest
from google.protobuf.struct_pb2 import Struct, Value
from tickettoken.events.v1.customers_pb2 import CustomerProfile, CustomerRegistered
from tickettoken.metrics.v1.recording_pb2 import BulkRecordMetricsRequest, MetricInput, RecordMetricRequest

from libs.common.rpc.texts import problems_of_texts
from tests.platform import events as make


def fields(message):
    return [problem.field for problem in problems_of_texts(message)]


@pytest.mark.parametrize(
    ("profile", "found"),
    [
        ({"name": "Ada"}, []),
        ({"name": "\0"}, ["profile.name"]),
        ({"name": "Ada\0", "city": "Lon\0don"}, ["profile.name", "profile.city"]),
        ({"tags": ["a", "b\0"]}, ["profile.tags[1]"]),
    ],
)
def test_fields_are_named_as_json_spells_them(profile, found):
    message = CustomerRegistered(customer_id="c", profile=CustomerProfile(**profile))

    assert fields(message) == found


def test_maps_are_looked_through_by_key_and_value():
    request = RecordMetricRequest(dimensions={"a": "x\0", "b\0": "y"})

    assert sorted(fields(request)) == ['dimensions["a"]', "dimensions[]"]


def test_a_free_structure_is_named_as_a_whole():
    request = RecordMetricRequest(metadata={"seat": {"row": ["x", "\0"]}})

    assert fields(request) == ["metadata"]


def test_rows_that_are_judged_one_by_one_are_left_to_their_judge():
    rows = BulkRecordMetricsRequest(metrics=[MetricInput(metric_type="\0")])

    assert fields(rows) == []


def test_zero_bytes_of_numbers_are_no_text():
    numbers = Struct(fields={"half": Value(number_value=0.5)})

    assert b"\0" in numbers.SerializeToString()
    assert fields(numbers) == []
    assert fields(make.order_completed(uuid4(), uuid4(), gross=0)) == []
