"""A named fake: answers events, metrics and campaigns as the platform would, and remembers what came."""

import grpc
from tickettoken.customers.v1 import campaigns_pb2, campaigns_service_pb2_grpc
from tickettoken.metrics.v1 import ingest_service_pb2_grpc, metrics_service_pb2_grpc
from tickettoken.metrics.v1.ingest_service_pb2 import PublishEventsResponse
from tickettoken.metrics.v1.recording_pb2 import RecordMetricResponse


class RecordingGateway:
    """Keeps events by id; `refusals` are statuses to answer first, one a call."""

    def __init__(self):
        self.url = ""
        self.events = {}
        self.metrics = []
        self.campaigns = {}
        self.batch_sizes = []
        self.refusals = []

    def join(self, server):
        ingest_service_pb2_grpc.add_IngestServiceServicer_to_server(self, server)
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(_Metrics(self), server)
        campaigns_service_pb2_grpc.add_CampaignsServiceServicer_to_server(_Campaigns(self), server)

    def knows(self, venue_id):
        return any(
            event.type == "venue.updated" and event.venue_id == venue_id for event in self.events.values()
        )

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


class _Campaigns(campaigns_service_pb2_grpc.CampaignsServiceServicer):
    """Campaigns of venues that it was told of, one a page; a key gives the campaign back that it made."""

    def __init__(self, gateway):
        self._gateway = gateway
        self._asked = 0

    async def ListCampaigns(self, request, context):
        self._asked += 1
        if self._asked == 1 or not self._gateway.knows(request.venue_id):
            await context.abort(grpc.StatusCode.NOT_FOUND, "not heard of yet")
        place = int(request.page_token or 0)
        known = [one for one in self._gateway.campaigns.values() if one.venue_id == request.venue_id]
        more = str(place + 1) if place + 1 < len(known) else ""
        return campaigns_pb2.ListCampaignsResponse(campaigns=known[place : place + 1], next_page_token=more)

    async def CreateCampaign(self, request, context):
        key = dict(context.invocation_metadata())["idempotency-key"]
        number = len(self._gateway.campaigns) + 1
        made = campaigns_pb2.Campaign(
            campaign_id=f"00000000-0000-4000-8000-{number:012}",
            venue_id=request.venue_id,
            name=request.name,
            channel=request.channel,
            type=request.type,
            status="draft",
            etag=key,
        )
        return campaigns_pb2.CreateCampaignResponse(campaign=self._gateway.campaigns.setdefault(key, made))

    async def UpdateCampaign(self, request, context):
        campaign = self._gateway.campaigns[request.etag]
        campaign.status = request.status
        campaign.spend.CopyFrom(request.spend)
        return campaigns_pb2.UpdateCampaignResponse(campaign=campaign)
