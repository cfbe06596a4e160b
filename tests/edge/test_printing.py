"""The feed's own JSON printer says what the general one says."""

import json
import math

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from tickettoken.metrics.v1 import live_pb2

from gateway.edge.live.printing import json_of

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
TIMES = st.builds(Timestamp, seconds=st.integers(0, 4_000_000_000), nanos=st.integers(0, 999_999_999))
WINDOWS = st.builds(
    live_pb2.LiveWindow,
    minutes=st.sampled_from((1, 5, 60)),
    start_time=st.none() | TIMES,
    count=st.integers(0, 2**31 - 1),
    sum=NUMBERS,
    min=st.none() | NUMBERS,
    max=st.none() | NUMBERS,
    avg=st.none() | NUMBERS,
    last=st.none() | NUMBERS,
)
METRICS = st.builds(
    live_pb2.LiveMetric,
    metric_type=st.text(max_size=20),
    currency=st.sampled_from(("", "EUR")),
    version=st.integers(0, 2**63 - 1),
    updated_time=st.none() | TIMES,
    windows=st.lists(WINDOWS, max_size=3),
)


@given(st.text(max_size=20), st.integers(0, 2**63 - 1), st.lists(METRICS, max_size=3))
def test_changes_are_printed_as_the_general_printer_prints_them(token, position, updates):
    message = live_pb2.WatchVenueMetricsResponse(resume_token=token, position=position, updates=updates)

    assert json.loads(json_of(message)) == MessageToDict(message, always_print_fields_with_no_presence=True)


@pytest.mark.parametrize(
    "signal",
    [
        {"snapshot_complete": live_pb2.SnapshotComplete()},
        {"heartbeat": live_pb2.Heartbeat(time=Timestamp(seconds=1, nanos=5000))},
        {"closing": live_pb2.Closing(reason="TOKEN_EXPIRED", message="the end")},
    ],
)
def test_signals_are_printed_as_the_general_printer_prints_them(signal):
    metric = live_pb2.LiveMetric(
        metric_type="door_scans", windows=[live_pb2.LiveWindow(minutes=1, sum=math.inf)]
    )
    message = live_pb2.WatchVenueMetricsResponse(resume_token="t", updates=[metric], **signal)

    assert json.loads(json_of(message)) == MessageToDict(message, always_print_fields_with_no_presence=True)
