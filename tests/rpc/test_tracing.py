"""Traces: the context a caller sends travels on, and spans reach an OTLP collector when one is configured."""

import asyncio

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from libs.common.context import Work, working_on
from libs.common.observability.tracing import (
    accepted_traceparent,
    configure_tracing,
    current_traceparent,
    is_recording,
    span,
)

SENT = f"00-{'a' * 32}-{'b' * 16}-01"


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """An OTLP collector that keeps what it gets."""

    def __init__(self) -> None:
        self.spans = []
        self.services = set()

    async def Export(self, request, context):
        for resource in request.resource_spans:
            self.services |= {
                item.value.string_value for item in resource.resource.attributes if item.key == "service.name"
            }
            self.spans += [found for scope in resource.scope_spans for found in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.mark.parametrize(
    "sent", [None, "", "nonsense", f"ff-{'a' * 32}-{'b' * 16}-01", f"00-{'0' * 32}-{'b' * 16}-01"]
)
def test_trace_context_that_makes_no_sense_is_replaced(sent):
    fresh = accepted_traceparent(sent)

    assert fresh != sent
    assert accepted_traceparent(fresh) == fresh
    assert fresh.endswith("-00")


def test_callers_trace_context_travels_on_without_an_exporter():
    with working_on(Work("job", "r", accepted_traceparent(SENT))), span("nothing is recorded"):
        assert current_traceparent() == SENT
    assert current_traceparent() is None
    assert not is_recording()


async def test_spans_reach_the_collector_as_children_of_the_callers(served):
    collector = Collector()
    server = grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    stop = configure_tracing("echo", environment="test", endpoint=f"http://127.0.0.1:{port}")

    await served.stub.Say(served.say(), metadata=(*served.auth(), ("traceparent", SENT)))
    await served.stub.Collect(iter([served.say()]), metadata=(*served.auth(), ("traceparent", SENT)))
    await asyncio.to_thread(stop)
    await server.stop(1)

    assert {found.name.rpartition("/")[2] for found in collector.spans} == {"Say", "Collect"}
    assert {found.trace_id.hex() for found in collector.spans} == {"a" * 32}
    assert {found.parent_span_id.hex() for found in collector.spans} == {"b" * 16}
    assert collector.services == {"echo"}
    assert not is_recording()
