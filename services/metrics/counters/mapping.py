"""Counters as messages of the contract."""

from tickettoken.metrics.v1 import counters_pb2

from libs.common.moments import timestamp_of
from services.metrics.counters.increments import Counter, CounterKey


def incremented_message(key: CounterKey, counter: Counter) -> counters_pb2.IncrementCounterResponse:
    return counters_pb2.IncrementCounterResponse(
        counter_type=key.counter_type,
        value=counter.value,
        updated_time=timestamp_of(counter.updated_at),
    )


def counter_message(key: CounterKey, counter: Counter) -> counters_pb2.GetCounterResponse:
    return counters_pb2.GetCounterResponse(
        counter_type=key.counter_type,
        value=counter.value,
        updated_time=timestamp_of(counter.updated_at),
    )
