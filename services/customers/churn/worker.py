"""The process that calculates churn."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from services.customers.churn.calculation import churned
from services.customers.churn.place_churn import PlaceChurn
from services.customers.churn.rows import newest_of, row_count, rows_of
from services.customers.lifetime.answering import Answer, Asked, main
from services.customers.lifetime.places import Located
from services.customers.lifetime.selection import stored_model
from services.customers.models.process import Progress

Models = Mapping[str, Mapping[str, Any]]
"""Name, parameters and `fitted_on` of the model of purchases that serves each place, by its id."""


def answers(asked: Asked, tell: Progress) -> Iterator[Answer]:
    """Churn of the customers of each place."""
    for found, churn in _calculated(asked.places, **asked.terms):
        tell("foretelling churn", 0.05 + 0.85 * found.share)
        newest = newest_of(found.place.accounts, churn.customers)
        rows = partial(rows_of, found.venue_id, churn, newest, asked.customers)
        yield Answer(_told(found, churn), rows)


def _calculated(
    places: Iterator[Located], *, models: Models, horizon_days: int
) -> Iterator[tuple[Located, PlaceChurn]]:
    """The tenant first, then each venue with a purchase."""
    first = next(places, None)
    if first is None:
        return
    whole = _churned(first, models, horizon_days, None)
    yield first, whole
    for found in places:
        if found.place is first.place:
            yield found, _of_the_only_venue(found, models, whole)
        else:
            yield found, _churned(found, models, horizon_days, whole)


def _churned(found: Located, models: Models, horizon_days: int, whole: PlaceChurn | None) -> PlaceChurn:
    sent = models.get(str(found.venue_id))
    model, parameters = (None, None) if sent is None else stored_model(sent["name"], sent["parameters"])
    return churned(
        found.place,
        model,
        parameters,
        end=found.end,
        horizon_days=horizon_days,
        venue_id=found.venue_id,
        fitted_on="tenant" if sent is None else sent["fitted_on"],
        whole=whole,
    )


def _of_the_only_venue(found: Located, models: Models, whole: PlaceChurn) -> PlaceChurn:
    """All purchases were made there, so what holds for the tenant holds for it."""
    sent = models.get(str(found.venue_id), {})
    entries = (
        replace(
            entry,
            venue_id=found.venue_id,
            fitted_on=sent["fitted_on"] if entry.name == sent.get("name") else "venue",
        )
        for entry in whole.entries
    )
    return replace(whole, entries=tuple(entries))


def _told(found: Located, churn: PlaceChurn) -> dict[str, Any]:
    return {
        "venue_id": found.venue_id,
        "model": churn.model,
        "refusal": churn.refusal,
        "refusal_message": churn.refusal_message,
        "row_count": row_count(churn),
        "entries": [asdict(entry) for entry in churn.entries],
    }


if __name__ == "__main__":
    main(answers)
