"""What the stored models say of one customer now, on the terms of a request."""

from collections.abc import Sequence
from datetime import datetime
from math import ceil
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from libs.common.buckets import microseconds
from services.customers.lifetime.accounts import Place, place_of
from services.customers.lifetime.fitting import Estimate
from services.customers.lifetime.predicting import Asked, PredictedAccount, Prediction
from services.customers.lifetime.purchases import Purchases, last_whole_day, local_days
from services.customers.lifetime.selection import CANDIDATES
from services.customers.lifetime.training import UNIT_DAYS, Serving, Trained
from services.customers.lifetime.value import Terms
from services.customers.lifetime.valuing import AccountValues, account_values
from services.customers.models.entry import ModelEntry
from services.customers.purchases.rows import PurchaseRow

_LONGEST_PERIOD_DAYS: Final = 30
_YEAR_DAYS: Final = 365


def terms_of(asked: Asked) -> Terms:
    """Equal periods of at most 30 days; without a discount one will do."""
    count = ceil(asked.horizon_days / _LONGEST_PERIOD_DAYS) if asked.discount_rate else 1
    days = asked.horizon_days / count
    rate = (1 + asked.discount_rate) ** (days / _YEAR_DAYS) - 1
    return Terms(count, days / UNIT_DAYS, rate, asked.margin_ratio)


def predicted(
    rows: Sequence[PurchaseRow], clock: ZoneInfo, as_of: datetime, models: Sequence[ModelEntry], asked: Asked
) -> Prediction | None:
    """The numbers that a run at `as_of` would store; None for a customer who had not bought before that day.

    Args:
        rows: All that the customer bought at the venue.
        clock: Of the venue.
        as_of: Days that are over at this moment are observed.
        models: The serving ones of the venue.
        asked: Horizon, discount and margin.
    """
    end = last_whole_day(as_of, clock)
    purchases = _purchases(rows)
    one = np.zeros(len(rows), np.int64)
    every = np.arange(len(rows))
    place = place_of(purchases, one, local_days(purchases, [clock]), every, end=end.toordinal())
    if not len(place.histories.summaries):
        return None
    fits = _trained(models, purchases.currencies)
    values = account_values(place, fits, terms_of(asked))
    modelled = np.flatnonzero(~np.isnan(values.purchases))
    return Prediction(
        accounts=tuple(
            _account(place, purchases.currencies, values, number)
            for number in np.lexsort(
                (place.accounts.currency, -place.accounts.historic, -place.accounts.purchase_count)
            ).tolist()
        ),
        last_day=end,
        expected_purchases=float(values.purchases[modelled[0]]),
        alive_probability=float(values.alive[modelled[0]]),
    )


def _account(place: Place, currencies: Sequence[str], values: AccountValues, number: int) -> PredictedAccount:
    accounts = place.accounts
    middle = round(float(values.expected[number])) if values.is_modelled[number] else None
    return PredictedAccount(
        currency=currencies[accounts.currency[number]],
        purchase_count=int(accounts.purchase_count[number]),
        historic_minor=int(accounts.historic[number]),
        expected_minor=middle,
        low_minor=None if middle is None else min(round(float(values.low[number])), middle),
        high_minor=None if middle is None else max(round(float(values.high[number])), middle),
    )


def _purchases(rows: Sequence[PurchaseRow]) -> Purchases:
    currencies = tuple(sorted({row.currency for row in rows}))
    return Purchases(
        customer_high=np.zeros(len(rows), np.uint64),
        customer_low=np.zeros(len(rows), np.uint64),
        venue=np.zeros(len(rows), np.int32),
        currency=np.array([currencies.index(row.currency) for row in rows], np.int32),
        sold=np.array([microseconds(row.sold_at) for row in rows], np.int64),
        stands=np.array([row.order_count > 0 for row in rows], np.bool_),
        spend=np.array([row.spend_minor for row in rows], np.int64),
        newest=np.array([microseconds(row.newest_fact_at) for row in rows], np.int64),
        currencies=currencies,
    )


def _trained(models: Sequence[ModelEntry], currencies: Sequence[str]) -> Trained:
    purchases = next(entry for entry in models if entry.kind == "purchases")
    model = next(candidate for candidate in CANDIDATES if candidate.name == purchases.name)
    fit = _estimate(purchases, model.parameters)
    spends = {
        currencies.index(entry.currency): _estimate(entry, ("p", "q", "gamma"))
        for entry in models
        if entry.kind == "spend" and entry.currency in currencies
    }
    serving = Serving(model, fit, fit, purchases.fitted_on)
    return Trained(purchases.venue_id, serving, spends, {}, ())


def _estimate(entry: ModelEntry, names: Sequence[str]) -> Estimate:
    assert entry.parameters is not None
    at = np.array([entry.parameters[name] for name in names])
    return Estimate(at, np.array(entry.covariance), entry.log_likelihood or 0.0)
