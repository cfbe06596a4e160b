"""Live metrics as messages."""

from collections.abc import Iterable
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from tickettoken.metrics.v1 import live_pb2

from libs.common.moments import timestamp_of
from services.metrics.live.windows import LiveState, Window


def live_metric(state: LiveState) -> live_pb2.LiveMetric:
    return live_pb2.LiveMetric(
        metric_type=state.key.metric_type,
        currency=state.key.currency,
        version=state.version,
        updated_time=timestamp_of(state.updated_at),
        windows=[_window(window) for window in state.windows],
    )


def newest_fact(states: Iterable[LiveState]) -> Timestamp | None:
    """Time of the newest fact in these metrics; None when there is none."""
    times: list[datetime] = [state.newest_time for state in states if state.newest_time is not None]
    return timestamp_of(max(times, default=None))


def _window(window: Window) -> live_pb2.LiveWindow:
    return live_pb2.LiveWindow(
        minutes=window.minutes,
        start_time=timestamp_of(window.start),
        count=window.count,
        sum=window.sum,
        min=window.minimum,
        max=window.maximum,
        avg=window.sum / window.count if window.count else None,
        last=window.last,
    )
