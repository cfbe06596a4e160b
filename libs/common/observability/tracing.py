"""Traces: W3C trace context always travels on; spans are exported only when an endpoint is set."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from libs.common.context import current_work

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_tracer: "Tracer | None" = None


def configure_tracing(service: str, *, environment: str, endpoint: str | None) -> Callable[[], None]:
    """Export spans to an OTLP gRPC endpoint; without one nothing is recorded.

    Returns:
        A function that sends what is pending and stops exporting.
    """
    global _tracer  # noqa: PLW0603 - one exporter a process, like the OpenTelemetry API's own provider
    if endpoint is None:
        return lambda: None
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": service, "deployment.environment.name": environment})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https"))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = provider.get_tracer("tickettoken")

    def stop() -> None:
        global _tracer  # noqa: PLW0603 - ends what the process began above
        _tracer = None
        provider.shutdown()

    return stop


def is_recording() -> bool:
    """Whether spans are recorded in this process."""
    return _tracer is not None


def accepted_traceparent(value: str | None) -> str:
    """The trace context a peer sent, or a new one, sampled if spans are recorded."""
    if value is not None and _TRACEPARENT.fullmatch(value):
        return value
    fresh = os.urandom(24).hex()
    return f"00-{fresh[:32]}-{fresh[32:]}-{'01' if is_recording() else '00'}"


def current_traceparent() -> str | None:
    """The trace context to send along with calls and events, or None outside any work."""
    if _tracer is not None:
        from opentelemetry import trace

        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
    work = current_work()
    return work.traceparent if work is not None else None


@contextmanager
def span(
    name: str, *, parent: str | None = None, attributes: dict[str, str | int | float] | None = None
) -> Iterator[None]:
    """Record the body as a span; costs nothing when nothing is recorded.

    Args:
        name: What is done, such as an RPC's path or a queue.
        parent: Trace context that came from outside; the current span when not given.
        attributes: Facts about the work.
    """
    if _tracer is None:
        yield
        return
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = None if parent is None else TraceContextTextMapPropagator().extract({"traceparent": parent})
    with _tracer.start_as_current_span(name, context=context, attributes=attributes):
        yield
