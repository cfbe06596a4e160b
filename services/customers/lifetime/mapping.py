"""Lifetime values as messages of the contract."""

from collections.abc import Mapping
from typing import Any

from tickettoken.customers.v1 import lifetime_pb2

from libs.common.amounts import money_message
from libs.common.context import TenantScope
from libs.common.moments import timestamp_of
from services.customers.lifetime.answers import CustomerValue, PredictedValue, Summary
from services.customers.lifetime.predicting import Asked, PredictedAccount
from services.customers.models.entry import WHOLE_TENANT
from services.customers.models.mapping import model_message


def value_message(value: CustomerValue) -> lifetime_pb2.GetLifetimeValueResponse:
    """What was spent as of now; what to expect as of the run."""
    stored = {one.currency: one for one in value.stored}
    accounts = []
    for bought in value.totals:
        run = stored.get(bought.currency)
        known = (None, None, None) if run is None else (run.expected_minor, run.low_minor, run.high_minor)
        if bought.order_count or bought.spend_minor:  # the rest was wholly returned
            accounts.append(PredictedAccount(bought.currency, bought.order_count, bought.spend_minor, *known))
    accounts.sort(key=lambda one: (-one.purchase_count, -one.historic_minor, one.currency))
    is_modelled = any(one.expected_minor is not None for one in accounts)
    first = next((one for one in value.stored if one.expected_purchases is not None), None)
    facts = [bought.newest_fact_at for bought in value.totals]
    return lifetime_pb2.GetLifetimeValueResponse(
        values=map(_account_message, accounts),
        basis="model" if is_modelled else "historic",
        refusal_reason="" if is_modelled else _reason(value),
        model="" if value.serving is None else value.serving.entry.name,
        fitted_on="" if value.serving is None else value.serving.entry.fitted_on,
        expected_purchase_count=None if first is None else first.expected_purchases,
        active_probability=None if first is None else first.alive_probability,
        horizon_days=0 if value.run is None else value.run.horizon_days,
        computed_time=None if value.run is None else timestamp_of(value.run.computed_at),
        as_of=timestamp_of(max(facts)) if facts else None,
    )


def asked_of(request: lifetime_pb2.PredictLifetimeValueRequest) -> Asked:
    """The terms of a request; what is absent has its default."""
    usual = Asked()
    return Asked(
        horizon_days=request.horizon_days if request.HasField("horizon_days") else usual.horizon_days,
        discount_rate=request.discount_rate,
        margin_ratio=request.margin_ratio if request.HasField("margin_ratio") else usual.margin_ratio,
    )


def prediction_message(value: PredictedValue, asked: Asked) -> lifetime_pb2.PredictLifetimeValueResponse:
    """A prediction with the terms that it was asked for on."""
    return lifetime_pb2.PredictLifetimeValueResponse(
        values=map(_account_message, value.prediction.accounts),
        expected_purchase_count=value.prediction.expected_purchases,
        active_probability=value.prediction.alive_probability,
        model=value.serving.entry.name,
        fitted_on=value.serving.entry.fitted_on,
        horizon_days=asked.horizon_days,
        discount_rate=asked.discount_rate,
        margin_ratio=asked.margin_ratio,
        trained_time=timestamp_of(value.serving.trained_at),
        last_date=value.prediction.last_day.isoformat(),
        as_of=timestamp_of(value.newest_fact_at),
    )


def summary_message(summary: Summary, scope: TenantScope) -> lifetime_pb2.LifetimeValueSummary:
    """The values of a place's customers, with the models as far as a scope may know of them."""
    run = summary.run
    serving = next(
        (one.entry for one in summary.models if one.entry.kind == "purchases" and one.entry.is_serving), None
    )
    return lifetime_pb2.LifetimeValueSummary(
        venue_id="" if run.venue_id == WHOLE_TENANT else str(run.venue_id),
        customer_count=run.customer_count,
        repeater_count=run.repeater_count,
        purchase_count=run.purchase_count,
        distributions=[_distribution(*one) for one in sorted(run.figures.items())],
        model="" if serving is None else serving.name,
        fitted_on="" if serving is None else serving.fitted_on,
        refusal_reason=run.refusal or "",
        least_repeater_count=run.least_repeaters,
        models=[model_message(model, scope) for model in summary.models],
        horizon_days=run.horizon_days,
        first_date=run.first_day.isoformat(),
        last_date=run.last_day.isoformat(),
        computed_time=timestamp_of(run.computed_at),
        as_of=timestamp_of(run.newest_fact_at),
    )


def _reason(value: CustomerValue) -> str:
    """Why nothing is expected: no run, no model, none of spend, or a customer new to the newest run."""
    if value.run is None:
        return "MODEL_NOT_FITTED"
    if value.run.refusal is not None:
        return value.run.refusal
    spends = {one.entry.currency: one.entry.refusal for one in value.models if one.entry.kind == "spend"}
    refusals = (spends.get(bought.currency) for bought in value.totals)
    return next((refusal for refusal in refusals if refusal is not None), "NOT_ENOUGH_HISTORY")


def _account_message(account: PredictedAccount) -> lifetime_pb2.CustomerLifetimeValue:
    currency = account.currency
    message = lifetime_pb2.CustomerLifetimeValue(
        currency=currency,
        basis="historic" if account.expected_minor is None else "model",
        purchase_count=account.purchase_count,
        historic=money_message(account.historic_minor, currency),
    )
    if account.expected_minor is not None:
        assert account.low_minor is not None
        assert account.high_minor is not None
        message.expected.CopyFrom(money_message(account.expected_minor, currency))
        message.low.CopyFrom(money_message(account.low_minor, currency))
        message.high.CopyFrom(money_message(account.high_minor, currency))
    return message


def _distribution(currency: str, figures: Mapping[str, Any]) -> lifetime_pb2.LifetimeValueDistribution:
    message = lifetime_pb2.LifetimeValueDistribution(
        currency=currency,
        purchase_count=figures["purchase_count"],
        historic=_amounts(currency, figures["historic"]),
    )
    if "expected" in figures:
        low, high = figures["interval"]
        message.expected.CopyFrom(_amounts(currency, figures["expected"]))
        message.expected_total_low.CopyFrom(money_message(low, currency))
        message.expected_total_high.CopyFrom(money_message(high, currency))
    return message


def _amounts(currency: str, spread: Mapping[str, Any]) -> lifetime_pb2.AmountDistribution:
    edges = [money_message(edge, currency) for edge in spread["edges"]]
    return lifetime_pb2.AmountDistribution(
        customer_count=spread["count"],
        total=money_message(spread["total"], currency),
        quantiles=[
            lifetime_pb2.AmountQuantile(share_ratio=share, amount=money_message(amount, currency))
            for share, amount in spread["quantiles"]
        ],
        bins=[
            lifetime_pb2.AmountBin(start=start, end=end, customer_count=count)
            for start, end, count in zip([None, *edges], [*edges, None], spread["counts"], strict=True)
        ],
    )
