"""Campaigns of worked journeys, and what is asked of the service about their attribution."""

from datetime import timedelta
from random import Random
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from tickettoken.common.v1.money_pb2 import Money
from tickettoken.customers.v1 import attribution_pb2

from tests.customers.marketing import NOON, created

TEXTBOOK = [("ABC", True), ("A", False), ("BC", False)]


def stamp(days):
    moment = Timestamp()
    moment.FromDatetime(NOON + timedelta(days=days))
    return moment


def eur(amount):
    return Money(amount_minor=amount, currency="EUR")


async def attributed(client, campaign_id, model="", **fields):
    request = attribution_pb2.GetCampaignAttributionRequest(
        campaign_id=str(campaign_id), model=model, **fields
    )
    return await client.campaigns.GetCampaignAttribution(request, metadata=client.metadata)


async def returned(client, campaign_id, **fields):
    request = attribution_pb2.GetCampaignRoiRequest(campaign_id=str(campaign_id), **fields)
    return await client.campaigns.GetCampaignRoi(request, metadata=client.metadata)


async def performed(client, campaign_id, **fields):
    request = attribution_pb2.GetCampaignPerformanceRequest(campaign_id=str(campaign_id), **fields)
    return await client.campaigns.GetCampaignPerformance(request, metadata=client.metadata)


async def channels_of(client, venue_id, start=-40, end=40, **fields):
    request = attribution_pb2.GetChannelPerformanceRequest(
        venue_id=str(venue_id), start_date=stamp(start), end_date=stamp(end), **fields
    )
    return await client.campaigns.GetChannelPerformance(request, metadata=client.metadata)


def conversions(given):
    return {each.channel: each.conversions for each in given}


async def a_campaign(client, marketing, journeys, times=1, **fields):
    """A campaign whose touchpoints all journeys consist of, each so many times."""
    campaign = await created(client, marketing.venue_id, **fields)
    events = [
        event
        for path, buys in journeys * times
        for event in marketing.journey(path, UUID(campaign.campaign_id), buys=buys)
    ]
    Random(4).shuffle(events)
    await marketing.told(*events)
    return campaign
