"""Rows of people who have not consented: under a name of the day, without what says who they are."""

from collections.abc import Sequence
from typing import Any, Final

from services.customers.exports.data_sets import DataSet
from services.customers.people.masked_columns import PERSONAL
from services.customers.privacy.pseudonyms import Names

_KIND: Final = "customer"


def named_rows(dataset: DataSet, rows: Sequence[Sequence[Any]], names: Names) -> list[list[Any]]:
    """The rows as they may leave the platform.

    A person counts as consenting only where the platform has told so; who never said anything has not. One
    person has one name in all exports of a day.

    Args:
        dataset: The rows' data set.
        rows: Its columns, and after them whether the person has consented.
        names: Of the day on which the export began.

    Returns:
        The columns alone.
    """
    known = [column.name for column in dataset.columns]
    customer = known.index("customer_id")
    hidden = [place for place, name in enumerate(known) if name in PERSONAL]
    sent = []
    for *row, has_consented in rows:
        if not has_consented:
            row[customer] = names.of(_KIND, row[customer])
            for place in hidden:
                row[place] = None
        sent.append(row)
    return sent
