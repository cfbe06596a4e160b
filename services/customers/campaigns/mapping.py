"""Campaigns as messages of the contract, and requests as plans and changes."""

from typing import Any
from uuid import UUID

from tickettoken.common.v1 import money_pb2
from tickettoken.customers.v1 import campaigns_pb2

from libs.common.amounts import money_message
from libs.common.moments import moment_of, timestamp_of
from libs.common.money import Money, exponent
from services.customers.campaigns.campaign import Campaign
from services.customers.campaigns.commands import Plan


def campaign_message(campaign: Campaign) -> campaigns_pb2.Campaign:
    return campaigns_pb2.Campaign(
        campaign_id=str(campaign.campaign_id),
        venue_id=str(campaign.venue_id),
        name=campaign.name,
        channel=campaign.channel,
        type=campaign.type,
        status=campaign.status,
        budget=_message(campaign.budget),
        spend=_message(campaign.spend),
        start_date=timestamp_of(campaign.starts_at),
        end_date=timestamp_of(campaign.ends_at),
        created_time=timestamp_of(campaign.created_at),
        updated_time=timestamp_of(campaign.updated_at),
        etag=campaign.etag,
    )


def plan_of(request: campaigns_pb2.CreateCampaignRequest) -> Plan:
    """The plan of a valid request.

    Raises:
        InvalidField: A time outside the calendar.
        CurrencyUnknown: The budget's currency is none.
    """
    return Plan(
        venue_id=UUID(request.venue_id),
        name=request.name,
        channel=request.channel,
        type=request.type,
        budget=_money(request.budget, "budget") if request.HasField("budget") else None,
        starts_at=moment_of(request.start_date, "startDate") if request.HasField("start_date") else None,
        ends_at=moment_of(request.end_date, "endDate") if request.HasField("end_date") else None,
    )


def fields_of(request: campaigns_pb2.UpdateCampaignRequest) -> dict[str, Any]:
    """The given fields of a valid request, by the names of `Campaign`.

    Raises:
        InvalidField: A time outside the calendar.
        CurrencyUnknown: A currency is none.
    """
    fields: dict[str, Any] = {}
    if request.HasField("name"):
        fields["name"] = request.name
    if request.HasField("status"):
        fields["status"] = request.status
    if request.HasField("budget"):
        fields["budget"] = _money(request.budget, "budget")
    if request.HasField("spend"):
        fields["spend"] = _money(request.spend, "spend")
    if request.HasField("start_date"):
        fields["starts_at"] = moment_of(request.start_date, "startDate")
    if request.HasField("end_date"):
        fields["ends_at"] = moment_of(request.end_date, "endDate")
    return fields


def _money(message: money_pb2.Money, field: str) -> Money:
    exponent(message.currency, field=f"{field}.currency")
    return Money(message.amount_minor, message.currency)


def _message(money: Money | None) -> money_pb2.Money | None:
    return None if money is None else money_message(money.amount_minor, money.currency)
