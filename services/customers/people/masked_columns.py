"""Columns of tables that tell who people are, as those see them who may not know."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from services.customers.people.masking import masked_city, masked_email, masked_name, masked_phone


def _left_out(_labels: str) -> None:
    """Labels may say anything: nothing of them is shown."""


PERSONAL: Final[Mapping[str, Callable[[str], str | None]]] = {
    "name": masked_name,
    "email": masked_email,
    "phone": masked_phone,
    "city": masked_city,
    "tags": _left_out,
}
"""What is shown in the place of a value, by column."""


def masked_rows(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The rows with every personal column masked.

    Args:
        names: Names of the rows' columns, in order.
        rows: Rows of them, whose personal columns are texts; None where nothing is known.
    """
    masks = [(place, PERSONAL[name]) for place, name in enumerate(names) if name in PERSONAL]
    shown = [list(row) for row in rows]
    for place, mask in masks:
        for row in shown:
            if row[place] is not None:
                row[place] = mask(row[place])
    return shown
