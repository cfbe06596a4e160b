"""How values are spread over customers: totals, quantiles and a histogram, by currency."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from services.customers.lifetime.accounts import Accounts
from services.customers.lifetime.summaries import Array
from services.customers.lifetime.value import INTERVAL
from services.customers.lifetime.valuing import AccountValues

QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_STEPS: Final = (1, 2, 5)
_MOST_BINS: Final = 40


def figures(accounts: Accounts, values: AccountValues, currencies: Sequence[str]) -> dict[str, Any]:
    """JSON of each currency's figures."""
    found: dict[str, Any] = {}
    for currency in np.unique(accounts.currency).tolist():
        of = accounts.currency == currency
        own: dict[str, Any] = {
            "customer_count": int(of.sum()),
            "purchase_count": int(accounts.purchase_count[of].sum()),
            "historic": _spread(accounts.historic[of].astype(np.float64)),
        }
        modelled = of & values.is_modelled
        if modelled.any():
            expected = values.expected[modelled]
            low, high = np.quantile(values.totals[currency], INTERVAL)
            total = float(expected.sum())
            own["expected"] = _spread(expected)
            own["interval"] = [round(min(low, total)), round(max(high, total))]
        found[currencies[currency]] = own
    return found


def _spread(amounts: Array) -> dict[str, Any]:
    cuts = np.quantile(amounts, QUANTILES)
    edges = _edges(float(amounts.max()))
    counts = np.bincount(np.searchsorted(edges, amounts, side="right"), minlength=len(edges) + 1)
    return {
        "count": len(amounts),
        "total": round(float(amounts.sum())),
        "quantiles": [[share, round(float(cut))] for share, cut in zip(QUANTILES, cuts, strict=True)],
        "edges": edges,
        "counts": counts.tolist(),
    }


def _edges(most: float) -> list[int]:
    """0, then 1, 2, 5 times powers of ten minor units up to what is beyond the greatest amount."""
    edges, power = [0, 100], 100
    while edges[-1] <= most and len(edges) < _MOST_BINS:
        edges += [step * power for step in _STEPS if step * power > edges[-1]]
        power *= 10
    while len(edges) > 2 and edges[-2] > most:
        edges.pop()
    return edges
