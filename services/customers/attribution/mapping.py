"""Credits and returns as messages of the contract."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from tickettoken.common.v1 import money_pb2, time_pb2
from tickettoken.customers.v1 import attribution_pb2

from libs.common.amounts import money_message
from libs.common.buckets import Window
from libs.common.moments import interval_of, timestamp_of
from libs.common.money import Money
from services.customers.attribution.questions import CampaignQuestion, Division, moment
from services.customers.attribution.returns import cost_per_conversion, return_on_investment


def attribution_message(
    question: CampaignQuestion, study: Mapping[str, Any]
) -> attribution_pb2.GetCampaignAttributionResponse:
    return attribution_pb2.GetCampaignAttributionResponse(
        campaign_id=str(question.campaign_id),
        model=question.division.model,
        window_days=question.division.window_days,
        period=_period(study),
        channels=_credits(study["own"]),
        other_channels=_credits(study["other"]),
        journeys=_journeys(study["journeys"]),
        as_of=timestamp_of(as_of(study)),
    )


def roi_message(
    question: CampaignQuestion, study: Mapping[str, Any], margin_ratio: float, stated: Money | None
) -> attribution_pb2.GetCampaignRoiResponse:
    revenue: Counter[str] = Counter()
    for credit in study["own"]:
        revenue.update(credit["net_minor"])
    costs = Counter(study["costs"])
    spent = {} if stated is None else {stated.currency: stated.amount_minor}
    conversions = sum(credit["conversions"] for credit in study["own"])
    return attribution_pb2.GetCampaignRoiResponse(
        campaign_id=str(question.campaign_id),
        model=question.division.model,
        window_days=question.division.window_days,
        margin_ratio=margin_ratio,
        conversions=conversions,
        returns=[
            _return(
                Money(revenue[currency], currency),
                stated=spent.get(currency, 0),
                costs=costs[currency],
                margin_ratio=margin_ratio,
                conversions=conversions,
            )
            for currency in sorted(revenue.keys() | costs.keys() | spent.keys())
        ],
        period=_period(study),
        as_of=timestamp_of(as_of(study)),
    )


def channels_message(
    venue_id: UUID, window: Window, division: Division, answer: Mapping[str, Any]
) -> attribution_pb2.GetChannelPerformanceResponse:
    found = [_channel(each) for each in answer["channels"]]
    found.sort(key=lambda each: (-each.credit.conversions, each.channel))
    return attribution_pb2.GetChannelPerformanceResponse(
        venue_id=str(venue_id),
        model=division.model,
        window_days=division.window_days,
        window=interval_of(window),
        channels=found,
        journeys=_journeys(answer["journeys"]),
        as_of=timestamp_of(as_of(answer)),
    )


def money_messages(amounts: Mapping[str, int]) -> list[money_pb2.Money]:
    """Amounts by currency, in minor units."""
    return [money_message(amounts[currency], currency) for currency in sorted(amounts)]


def cost_messages(costs: Mapping[str, int], conversions: float) -> list[money_pb2.Money]:
    """What a conversion cost by currency; none without conversions, none of a currency without costs."""
    each = {currency: cost_per_conversion(cost, conversions) for currency, cost in costs.items()}
    return money_messages({currency: round(cost) for currency, cost in each.items() if cost is not None})


def stated_message(money: Money | None) -> money_pb2.Money | None:
    return None if money is None else money_message(money.amount_minor, money.currency)


def as_of(answer: Mapping[str, Any]) -> datetime | None:
    """The time of the newest fact behind an answer of `study`."""
    newest = answer["newest_us"]
    return None if newest is None else moment(newest)


def _credits(given: list[dict[str, Any]]) -> list[attribution_pb2.ChannelCredit]:
    ordered = sorted(given, key=lambda each: (-each["conversions"], each["channel"]))
    return [_credit(each) for each in ordered]


def _credit(credit: Mapping[str, Any]) -> attribution_pb2.ChannelCredit:
    return attribution_pb2.ChannelCredit(
        channel=credit["channel"],
        conversions=credit["conversions"],
        low_conversions=credit["low"],
        high_conversions=credit["high"],
        standard_error=credit["standard_error"],
        revenue=money_messages(credit["net_minor"]),
    )


def _journeys(journeys: Mapping[str, Any]) -> attribution_pb2.AttributedJourneys:
    attributed, unattributed = journeys["attributed"], journeys["unattributed"]
    return attribution_pb2.AttributedJourneys(
        path_count=journeys["path_count"],
        conversion_count=attributed["conversions"],
        revenue=money_messages(attributed["net_minor"]),
        unattributed_conversion_count=unattributed["conversions"],
        unattributed_revenue=money_messages(unattributed["net_minor"]),
    )


def _channel(each: Mapping[str, Any]) -> attribution_pb2.ChannelPerformance:
    credit = each["credit"]
    message = attribution_pb2.ChannelCredit(channel=each["channel"]) if credit is None else _credit(credit)
    kinds = each["kinds"]
    return attribution_pb2.ChannelPerformance(
        channel=each["channel"],
        credit=message,
        reach_count=each["reach"],
        impression_count=kinds.get("impression", 0),
        open_count=kinds.get("open", 0),
        click_count=kinds.get("click", 0),
        visit_count=kinds.get("visit", 0),
        costs=money_messages(each["costs"]),
        costs_per_conversion=cost_messages(each["costs"], message.conversions),
    )


def _return(
    revenue: Money, *, stated: int, costs: int, margin_ratio: float, conversions: float
) -> attribution_pb2.CampaignReturn:
    currency, spend = revenue.currency, stated + costs
    each = cost_per_conversion(spend, conversions)
    return attribution_pb2.CampaignReturn(
        currency=currency,
        revenue=money_message(revenue.amount_minor, currency),
        stated_spend=money_message(stated, currency),
        touchpoint_costs=money_message(costs, currency),
        spend=money_message(spend, currency),
        roi_ratio=return_on_investment(revenue.amount_minor, margin_ratio, spend),
        cost_per_conversion=None if each is None else money_message(round(each), currency),
    )


def _period(study: Mapping[str, Any]) -> time_pb2.Interval | None:
    if study["period"] is None:
        return None
    start, end = study["period"]
    return interval_of(Window(moment(start), moment(end)))
