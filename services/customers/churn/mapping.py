"""Churn as messages of the contract."""

from collections import defaultdict
from collections.abc import Sequence

from tickettoken.customers.v1 import churn_pb2

from libs.common.amounts import money_message
from libs.common.moments import timestamp_of
from services.customers.churn.predicted import PredictedChurn
from services.customers.churn.risk import AtRisk, RiskPage
from services.customers.models.entry import ModelEntry
from services.customers.people.identity import identity_message
from services.customers.purchases.rows import PurchaseRow


def prediction_message(found: PredictedChurn) -> churn_pb2.PredictChurnResponse:
    """A customer's probability and what it was made from."""
    return churn_pb2.PredictChurnResponse(
        churn_probability=found.probability,
        horizon_days=found.horizon_days,
        basis=found.basis,
        model=found.serving.entry.name,
        fitted_on=found.serving.entry.fitted_on,
        hold_out=None if found.tried is None else _hold_out_message(found.tried.entry),
        drivers=[
            churn_pb2.ChurnDriver(name=one.name, value=one.value, effect=one.effect) for one in found.drivers
        ],
        usual_gap_days=found.usual_gap_days,
        has_missed_usual_show=found.has_missed_usual_show,
        last_purchase_time=timestamp_of(found.last_purchase_at),
        stored_horizon_days=found.stored_horizon_days,
        last_date=found.last_day.isoformat(),
        trained_time=timestamp_of(found.serving.trained_at),
        computed_time=timestamp_of(found.computed_at),
        as_of=timestamp_of(found.newest_fact_at),
    )


def page_message(page: RiskPage, *, shows_pii: bool) -> churn_pb2.GetChurnRiskResponse:
    """One page of customers at risk."""
    silent, every = page.found.silent_count, page.found.customer_count
    facts = [row.newest_fact_at for one in page.customers for row in one.bought]
    return churn_pb2.GetChurnRiskResponse(
        customers=[_customer_message(one, shows_pii=shows_pii) for one in page.customers],
        next_page_token=page.next_page_token,
        at_risk_count=silent,
        customer_count=every,
        at_risk_ratio=silent / every if every else None,
        threshold=page.threshold,
        horizon_days=page.horizon_days,
        stored_horizon_days=page.stored_horizon_days,
        as_of=timestamp_of(max(facts, default=None)),
    )


def _customer_message(one: AtRisk, *, shows_pii: bool) -> churn_pb2.ChurnRiskCustomer:
    return churn_pb2.ChurnRiskCustomer(
        customer_id=str(one.silent.customer_id),
        identity=None if one.person is None else identity_message(one.person, shows_pii=shows_pii),
        last_purchase_time=timestamp_of(one.silent.last_purchase_at),
        days_since_last_purchase=one.days,
        order_count=sum(row.order_count for row in one.bought),
        spends=[money_message(spend, currency) for currency, spend in _spends(one.bought)],
        churn_probability=None if one.chance is None else one.chance.probability,
        model="" if one.chance is None else one.chance.model,
    )


def _spends(rows: Sequence[PurchaseRow]) -> list[tuple[str, int]]:
    """By currency; what was wholly returned is left out."""
    spends: dict[str, int] = defaultdict(int)
    stands = {row.currency for row in rows if row.order_count}
    for row in rows:
        spends[row.currency] += row.spend_minor
    return [(currency, spend) for currency, spend in sorted(spends.items()) if spend or currency in stands]


def _hold_out_message(entry: ModelEntry) -> churn_pb2.ChurnHoldOut | None:
    """How a candidate did; None where it was not tried."""
    figures = entry.hold_out
    if "brier" not in figures:
        return None
    return churn_pb2.ChurnHoldOut(
        horizon_days=entry.held_out_days,
        customer_count=int(figures["customers"]),
        brier_score=figures["brier"],
        base_rate_brier_score=figures["base_rate_brier"],
        auc_ratio=figures["auc"],
        base_rate_ratio=figures["actual_share"],
    )
