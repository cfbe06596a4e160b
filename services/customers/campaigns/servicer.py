"""gRPC: CampaignsService's campaigns."""

from uuid import UUID

from tickettoken.customers.v1 import campaigns_pb2

from libs.common.context import current_caller
from libs.common.paging import PageTokens, page_size
from libs.common.rpc.claims import claims_idempotency_itself, current_claim
from services.customers.campaigns.commands import CampaignCommands, Replacement
from services.customers.campaigns.documents import Place
from services.customers.campaigns.mapping import campaign_message, fields_of, plan_of
from services.customers.campaigns.reader import CampaignReader


class CampaignsServicer:
    """CreateCampaign, UpdateCampaign, GetCampaign, ListCampaigns."""

    def __init__(self, commands: CampaignCommands, reader: CampaignReader, pages: PageTokens) -> None:
        self._commands = commands
        self._reader = reader
        self._pages = pages

    @claims_idempotency_itself
    async def CreateCampaign(
        self, request: campaigns_pb2.CreateCampaignRequest, _context: object
    ) -> campaigns_pb2.CreateCampaignResponse:
        response = campaigns_pb2.CreateCampaignResponse
        answer = await self._commands.create(
            current_caller(),
            current_claim(),
            plan_of(request),
            lambda campaign: response(campaign=campaign_message(campaign)).SerializeToString(),
        )
        return response.FromString(answer)

    @claims_idempotency_itself
    async def UpdateCampaign(
        self, request: campaigns_pb2.UpdateCampaignRequest, _context: object
    ) -> campaigns_pb2.UpdateCampaignResponse:
        response = campaigns_pb2.UpdateCampaignResponse
        answer = await self._commands.update(
            current_caller(),
            current_claim(),
            Replacement(UUID(request.campaign_id), request.etag, fields_of(request)),
            lambda campaign: response(campaign=campaign_message(campaign)).SerializeToString(),
        )
        return response.FromString(answer)

    async def GetCampaign(
        self, request: campaigns_pb2.GetCampaignRequest, _context: object
    ) -> campaigns_pb2.GetCampaignResponse:
        campaign = await self._reader.require(current_caller().scope, UUID(request.campaign_id))
        return campaigns_pb2.GetCampaignResponse(campaign=campaign_message(campaign))

    async def ListCampaigns(
        self, request: campaigns_pb2.ListCampaignsRequest, _context: object
    ) -> campaigns_pb2.ListCampaignsResponse:
        scope, size = current_caller().scope, page_size(request.page_size)
        position = self._pages.read(tenant_id=scope.tenant_id, request=request)
        found = await self._reader.of_venue(
            scope,
            UUID(request.venue_id),
            status=request.status,
            kind=request.type,
            after=None if position is None else Place(*position),  # type: ignore[arg-type]  # its own token's
            limit=size + 1,
        )
        response = campaigns_pb2.ListCampaignsResponse(campaigns=map(campaign_message, found[:size]))
        if len(found) > size:
            last = Place(found[size - 1].created_at, found[size - 1].campaign_id)
            response.next_page_token = self._pages.make(last, tenant_id=scope.tenant_id, request=request)
        return response
