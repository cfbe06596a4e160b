"""A house's campaigns as the platform knows them: each is created once, whoever loads the house again."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from uuid import UUID

import grpc
from tickettoken.customers.v1 import campaigns_pb2
from tickettoken.customers.v1.campaigns_service_pb2_grpc import CampaignsServiceStub

from deploy.local.simulator.emission import EmissionFailed, patiently
from deploy.local.simulator.patrons.patronage import Campaign, Patronage
from deploy.local.simulator.world import Venue

_CALL_SECONDS = 30.0
_HEARD_WITHIN_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.2


class Announcing:
    """Creates what campaigns are missing, by their names.

    Args:
        channel: To the gateway.
        token: Reads the bearer token, which may write.
    """

    def __init__(self, channel: grpc.aio.Channel, token: Callable[[], str]) -> None:
        self._campaigns = CampaignsServiceStub(channel)
        self._token = token

    async def announce(self, patronage: Patronage) -> dict[UUID, str]:
        """Ids of all campaigns as the platform made them, by their own; its venue was told of before.

        Raises:
            EmissionFailed: The gateway refused, or did not hear of the venue within a minute.
        """
        if not patronage.campaigns:
            return {}
        await self._until_heard(patronage.venue)
        known = {one.name: one.campaign_id async for one in self._known(patronage.venue)}
        for campaign in patronage.campaigns:
            if campaign.name not in known:
                known[campaign.name] = await self._create(campaign, patronage.venue, patronage.until)
        return {campaign.id: known[campaign.name] for campaign in patronage.campaigns}

    async def _until_heard(self, venue: Venue) -> None:
        """Wait until campaigns know the venue, of which its event tells them by way of the bus."""
        give_up_at = time.monotonic() + _HEARD_WITHIN_SECONDS
        request = campaigns_pb2.ListCampaignsRequest(venue_id=str(venue.id))
        while True:
            try:
                await self._campaigns.ListCampaigns(request, timeout=_CALL_SECONDS, metadata=self._metadata())
            except grpc.aio.AioRpcError as error:
                is_early = error.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE)
                if not is_early or time.monotonic() > give_up_at:
                    raise EmissionFailed(f"{error.code().name}: {error.details()}") from error
                await asyncio.sleep(_LOOK_EVERY_SECONDS)
            else:
                return

    async def _known(self, venue: Venue) -> AsyncIterator[campaigns_pb2.Campaign]:
        request = campaigns_pb2.ListCampaignsRequest(venue_id=str(venue.id))
        while True:
            answer = await patiently(
                lambda: self._campaigns.ListCampaigns(
                    request, timeout=_CALL_SECONDS, metadata=self._metadata()
                )
            )
            for campaign in answer.campaigns:
                yield campaign
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def _create(self, campaign: Campaign, venue: Venue, until: datetime) -> str:
        """Create a campaign as its channel's, and bring it to the state that it had at the end."""
        wanted = campaigns_pb2.CreateCampaignRequest(
            venue_id=str(venue.id),
            name=campaign.name,
            channel=campaign.channel.name,
            type=campaign.channel.name,
        )
        wanted.budget.amount_minor, wanted.budget.currency = campaign.budget_minor, venue.currency
        wanted.start_date.FromDatetime(campaign.starts_at)
        wanted.end_date.FromDatetime(campaign.ends_at)
        created = await patiently(
            lambda: self._campaigns.CreateCampaign(
                wanted, timeout=_CALL_SECONDS, metadata=self._metadata(f"create-{campaign.id}")
            )
        )
        made = created.campaign
        status = "completed" if campaign.ends_at <= until else "active"
        change = campaigns_pb2.UpdateCampaignRequest(
            campaign_id=made.campaign_id, status=status, etag=made.etag
        )
        change.spend.amount_minor, change.spend.currency = campaign.spend_minor, venue.currency
        await patiently(
            lambda: self._campaigns.UpdateCampaign(
                change, timeout=_CALL_SECONDS, metadata=self._metadata(f"update-{campaign.id}")
            )
        )
        return str(made.campaign_id)

    def _metadata(self, idempotency_key: str = "") -> tuple[tuple[str, str], ...]:
        key = (("idempotency-key", idempotency_key),) if idempotency_key else ()
        return (("authorization", f"Bearer {self._token()}"), *key)
