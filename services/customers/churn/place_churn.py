"""What churn calculations say of the customers of one place."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.customers.churn.estimator import Estimator
from services.customers.lifetime.summaries import Array, Codes
from services.customers.models.entry import ModelEntry

MOST_DRIVERS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Drivers:
    """What moves each customer's probability most, the strongest first: one line a customer.

    Attributes:
        names: Of the features, by number.
        features: Number of the feature; -1 where there is none further. Shape (customers, 3).
        values: The customer's value of it; NaN where the customer has none. Shape (customers, 3).
        effects: What it adds to the probability of churn, negative where it takes away; 0 where there is no
            driver. Shape (customers, 3).
    """

    names: tuple[str, ...]
    features: NDArray[np.int8]
    values: NDArray[np.float32]
    effects: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Lent:
    """What a tenant lends to venues of its own with too few outcomes.

    Attributes:
        before: Parameters of the model of purchases, fitted to the time before the held-out one; None: it was
            refused.
        tried: The classifier as it was compared; None: too few outcomes.
        classifier: The classifier taught with the newest outcomes as well.
    """

    before: Array | None
    tried: Estimator | None
    classifier: Estimator | None


@dataclass(frozen=True, slots=True, eq=False)
class PlaceChurn:
    """Of each customer of a place, whether they will stay away; arrays have one entry a customer.

    Attributes:
        customers: Codes of the customers, ascending: those of `place.histories.customers`.
        probability: Of no purchase in the horizon, 0 to 1; NaN for all where nothing serves.
        drivers: Of each probability; None where nothing serves.
        usual_gap_days: Days after the last purchase within which nine of ten such customers who stay buy
            again; NaN for customers who bought on one day only, and for all without a model of purchases.
        has_missed_usual_show: Whether more days than that went by.
        model: Name of the model that serves; None: none does.
        entries: Candidates for the registry, all of kind "churn".
        refusal: Why nothing serves: NOT_ENOUGH_HISTORY or MODEL_NOT_IDENTIFIABLE.
        refusal_message: The same as a sentence.
        lent: What venues may borrow.
    """

    customers: Codes
    probability: Array
    drivers: Drivers | None
    usual_gap_days: Array
    has_missed_usual_show: NDArray[np.bool_]
    model: str | None
    entries: tuple[ModelEntry, ...]
    refusal: str | None = None
    refusal_message: str | None = None
    lent: Lent | None = None
