"""A campaign's figures by day: what is asked, and the answer as a message of the contract."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tickettoken.customers.v1 import attribution_pb2

from libs.common.buckets import Window
from libs.common.moments import interval_of, timestamp_of
from services.customers.attribution.mapping import as_of, cost_messages, money_messages, stated_message
from services.customers.campaigns.campaign import Campaign


class Wanted(NamedTuple):
    """The window that a caller wants; None: as the campaign has it."""

    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Days:
    """The window in question (None: nobody met the campaign) and the edges of its days in UTC.

    `covers_campaign`: all of the campaign's period lies in it.
    """

    window: Window | None
    edges: list[datetime]
    time_zone: str
    covers_campaign: bool


def performance_message(
    campaign: Campaign, days: Days, answer: Mapping[str, Any] | None
) -> attribution_pb2.GetCampaignPerformanceResponse:
    """The answer of `study` as a message; None: nobody met the campaign."""
    stated: Counter[str] = Counter()
    if campaign.spend is not None and days.covers_campaign:
        stated[campaign.spend.currency] += campaign.spend.amount_minor
    message = attribution_pb2.GetCampaignPerformanceResponse(
        campaign_id=str(campaign.campaign_id),
        window=None if days.window is None else interval_of(days.window),
        time_zone=days.time_zone,
        stated_spend=stated_message(campaign.spend),
        total=_figures({} if answer is None else answer["total"], stated),
        as_of=None if answer is None else timestamp_of(as_of(answer)),
    )
    if answer is not None:
        clock = ZoneInfo(days.time_zone)
        for place, figures in answer["days"].items():
            day = days.edges[int(place)].astimezone(clock).date().isoformat()
            message.days.add(day=day, figures=_figures(figures, Counter()))
    return message


def _figures(tally: Mapping[str, Any], stated: Counter[str]) -> attribution_pb2.CampaignFigures:
    kinds = tally.get("kinds", {})
    conversions = tally.get("conversions", 0)
    costs = Counter(tally.get("costs", {}))
    costs.update(stated)
    return attribution_pb2.CampaignFigures(
        reach_count=tally.get("reach", 0),
        impression_count=kinds.get("impression", 0),
        open_count=kinds.get("open", 0),
        click_count=kinds.get("click", 0),
        visit_count=kinds.get("visit", 0),
        conversion_count=conversions,
        revenue=money_messages(tally.get("net_minor", {})),
        costs=money_messages(costs),
        costs_per_conversion=cost_messages(costs, conversions),
    )
