"""A named fake: answers PublishEvents and RecordMetric as the platform would, and remembers what came."""

import grpc
from tickettoken.metrics.v1 import ingest_service_pb2_grpc, metrics_service_pb2_grpc
from tickettoken.metrics.v1.ingest_service_pb2 import PublishEventsResponse
from tickettoken.metrics.v1.recording_pb2 import RecordMetricResponse


class RecordingGateway:
    """Keeps events by id; `refusals` are statuses to answer first, one a call."""

    def __init__(self):
        self.url = ""
        self.events = {}
        self.metrics = []
        self.batch_sizes = []
        self.refusals = []

    def join(self, server):
        ingest_service_pb2_grpc.add_IngestServiceServicer_to_server(self, server)
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(_Metrics(self), server)

    async def PublishEvents(self, request, context):
        if self.refusals:
            await context.abort(self.refusals.pop(0), "not now", (("retry-after", "0.01"),))
        new = {event.event_id: event for event in request.events if event.event_id not in self.events}
        self.events |= new
        self.batch_sizes.append(len(request.events))
        return PublishEventsResponse(accepted_count=len(new), duplicate_count=len(request.events) - len(new))

    async def ReplayEvents(self, request, context):
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "not part of the fake")


class _Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, gateway):
        self._gateway = gateway

    async def RecordMetric(self, request, context):
        self._gateway.metrics.append(request)
        return RecordMetricResponse()
