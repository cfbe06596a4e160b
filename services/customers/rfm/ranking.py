"""Scores of everyone at a place from what they bought."""

from datetime import date

import numpy as np

from services.customers.rfm.measuring import Measures
from services.customers.rfm.sales import People
from services.customers.rfm.scoring import Scores, score


def ranked(people: People, as_of_day: date) -> Scores:
    """Everyone's scores, row by row.

    Args:
        people: Who has bought at the place.
        as_of_day: The local day that looks back.
    """
    ages = np.maximum(as_of_day.toordinal() - people.last_day, 0)
    return score(Measures(np.arange(len(people)), ages, people.orders, people.spend))
