"""What a prediction is asked for and says, apart from its calculation, which loads numpy when needed."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Asked:
    """The terms of a request.

    Attributes:
        horizon_days: Days ahead.
        discount_rate: Yearly rate of interest; 0.1 is 10 %.
        margin_ratio: Share of spend that is kept.
    """

    horizon_days: int = 365
    discount_rate: float = 0.0
    margin_ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class PredictedAccount:
    """A customer's purchases in one currency, and what to expect; None where spend could not be fitted."""

    currency: str
    purchase_count: int
    historic_minor: int
    expected_minor: int | None
    low_minor: int | None
    high_minor: int | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What to expect of a customer; accounts by purchases, then spend, then code."""

    accounts: tuple[PredictedAccount, ...]
    last_day: date
    """Of the history: yesterday, on the venue's clock."""
    expected_purchases: float
    alive_probability: float
