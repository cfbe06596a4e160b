"""The process that fits and values."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from services.customers.lifetime.answering import Answer, Asked, main
from services.customers.lifetime.calculation import PlaceResult, calculated, rows_of
from services.customers.models.process import Progress


def answers(asked: Asked, tell: Progress) -> Iterator[Answer]:
    """Fits of each place and the values of its customers."""
    for result in calculated(asked.purchases, asked.places, tell, **asked.terms):
        rows = partial(rows_of, result, asked.customers, asked.purchases.currencies)
        yield Answer(_told(result), rows)


def _told(result: PlaceResult) -> dict[str, Any]:
    entry = result.fits.entries[0]
    return {
        "venue_id": result.venue_id,
        "first_day": result.first_day,
        "last_day": result.last_day,
        "purchase_count": int(result.place.accounts.purchase_count.sum()),
        "customer_count": entry.customer_count,
        "repeater_count": entry.repeater_count,
        "refusal": result.fits.refusal,
        "refusal_message": result.fits.refusal_message,
        "figures": result.figures,
        "newest_us": result.newest,
        "row_count": len(result.place.accounts),
        "entries": [asdict(entry) for entry in result.fits.entries],
    }


if __name__ == "__main__":
    main(answers)
