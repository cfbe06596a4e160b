"""Campaigns, and what is asked of the service about them."""

from datetime import UTC, datetime
from uuid import uuid4

from google.protobuf.timestamp_pb2 import Timestamp
from tickettoken.common.v1.money_pb2 import Money
from tickettoken.customers.v1 import campaigns_pb2

from libs.common.money import Money as Amount
from services.customers.campaigns.campaign import Campaign

START, END = Timestamp(seconds=1_772_323_200), Timestamp(seconds=1_775_001_600)
EARLY = datetime(2026, 3, 1, tzinfo=UTC)


def eur(amount, currency="EUR"):
    return Money(amount_minor=amount, currency=currency)


async def read(client, campaign_id):
    request = campaigns_pb2.GetCampaignRequest(campaign_id=str(campaign_id))
    return (await client.campaigns.GetCampaign(request, metadata=client.metadata)).campaign


async def updated(client, campaign, *, metadata=None, **fields):
    request = campaigns_pb2.UpdateCampaignRequest(
        **({"campaign_id": campaign.campaign_id, "etag": campaign.etag} | fields)
    )
    response = await client.campaigns.UpdateCampaign(request, metadata=metadata or client.metadata)
    return response.campaign


async def listed(client, venue_id, **fields):
    request = campaigns_pb2.ListCampaignsRequest(venue_id=str(venue_id), **fields)
    return await client.campaigns.ListCampaigns(request, metadata=client.metadata)


def a_state(**fields):
    return Campaign(
        **{
            "campaign_id": uuid4(),
            "venue_id": uuid4(),
            "name": "Spring",
            "channel": "email",
            "type": "",
            "status": "draft",
            "budget": Amount(5, "EUR"),
            "spend": None,
            "starts_at": EARLY,
            "ends_at": None,
            "created_at": EARLY,
            "updated_at": EARLY,
            "version": 1,
        }
        | fields
    )
