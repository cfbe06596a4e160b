"""gRPC: RealtimeService's counters."""

from typing import Any
from uuid import UUID

import grpc
from tickettoken.metrics.v1 import counters_pb2

from libs.common.context import current_caller
from libs.common.rpc.claims import claims_idempotency_itself, current_claim
from services.metrics.counters.counters import Counters
from services.metrics.counters.increments import CounterKey
from services.metrics.counters.mapping import counter_message

_Context = grpc.aio.ServicerContext[Any, Any]


class CountersServicer:
    """IncrementCounter, GetCounter."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    @claims_idempotency_itself
    async def IncrementCounter(
        self, request: counters_pb2.IncrementCounterRequest, _context: _Context
    ) -> counters_pb2.IncrementCounterResponse:
        key = CounterKey(UUID(request.venue_id), request.counter_type)
        amount = request.increment if request.HasField("increment") else 1
        return await self._counters.increment(current_caller(), current_claim(), key, amount)

    async def GetCounter(
        self, request: counters_pb2.GetCounterRequest, _context: _Context
    ) -> counters_pb2.GetCounterResponse:
        key = CounterKey(UUID(request.venue_id), request.counter_type)
        return counter_message(key, await self._counters.read(current_caller().scope, key))
