"""The process that calculates churn: question and purchases on standard input, answer and rows on output."""

import json
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, BinaryIO
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from services.customers.churn.calculation import churned
from services.customers.churn.prediction import PlaceChurn
from services.customers.churn.rows import Written, newest_of, row_count, rows_of
from services.customers.lifetime.copy_format import read_purchases
from services.customers.lifetime.places import Located, located
from services.customers.lifetime.purchases import Purchases, customers_of
from services.customers.lifetime.selection import CANDIDATES
from services.customers.lifetime.summaries import Codes
from services.customers.models.entry import WHOLE_TENANT, FittedOn


@dataclass(frozen=True, slots=True)
class Question:
    """What a run is asked for.

    Attributes:
        venues: Ids of the tenant's venues; purchases name them by their place, from 1 on.
        zones: IANA zone of each.
        as_of: Days that are over at this moment are observed.
        horizon_days: How far to look ahead.
        models: Name, parameters and `fitted_on` of the model of purchases that serves each place, by its id.
    """

    venues: tuple[UUID, ...]
    zones: tuple[str, ...]
    as_of: datetime
    horizon_days: int
    models: Mapping[str, Mapping[str, Any]]


def main() -> None:
    """Answer one question."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the asking process ends us
    answer(sys.stdin.buffer, sys.stdout.buffer)


def answer(asked: BinaryIO, out: BinaryIO) -> None:
    """Lines of JSON: progress, then the result; then rows, each chunk after a line with its length."""

    def say(**message: Any) -> None:
        out.write(json.dumps(message, default=str).encode() + b"\n")
        out.flush()

    question = _question(json.loads(asked.readline()))
    purchases = read_purchases(asked)
    customers, codes = customers_of(purchases)
    places: list[Written] = []
    for found, churn in _calculated(question, purchases, codes):
        say(stage="foretelling churn", share=0.05 + 0.85 * found.share)
        venue = WHOLE_TENANT if found.venue is None else question.venues[found.venue]
        places.append(Written(venue.bytes, churn, newest_of(found.place.accounts, churn.customers)))
    say(places=[_place(place) for place in places])
    for place in places:
        for rows in rows_of(place, customers):
            say(bytes=len(rows))
            out.write(rows)
    say(bytes=0)


def _calculated(
    question: Question, purchases: Purchases, codes: Codes
) -> Iterator[tuple[Located, PlaceChurn]]:
    """The tenant first, then each venue with a purchase."""
    clocks = [ZoneInfo(name) for name in question.zones]
    whole: tuple[Located, PlaceChurn] | None = None
    for found in located(purchases, codes, clocks, question.as_of):
        if whole is None:
            whole = found, _churned(question, found, None)
            yield whole
        elif found.place is whole[0].place:
            yield found, _of_the_only_venue(question, found, whole[1])
        else:
            yield found, _churned(question, found, whole[1])


def _churned(question: Question, found: Located, whole: PlaceChurn | None) -> PlaceChurn:
    venue_id = WHOLE_TENANT if found.venue is None else question.venues[found.venue]
    sent = question.models.get(str(venue_id))
    model = next((one for one in CANDIDATES if sent is not None and one.name == sent["name"]), None)
    parameters = None
    if model is not None and sent is not None:
        parameters = np.array([sent["parameters"][name] for name in model.parameters])
    return churned(
        found.place,
        model,
        parameters,
        end=found.end,
        horizon_days=question.horizon_days,
        venue_id=venue_id,
        fitted_on=_fitted_on(question, venue_id),
        whole=whole,
    )


def _of_the_only_venue(question: Question, found: Located, whole: PlaceChurn) -> PlaceChurn:
    """All purchases were made there, so what holds for the tenant holds for it."""
    assert found.venue is not None
    venue_id = question.venues[found.venue]
    lent = question.models.get(str(venue_id), {}).get("name")
    entries = (
        replace(
            entry,
            venue_id=venue_id,
            fitted_on=_fitted_on(question, venue_id) if entry.name == lent else "venue",
        )
        for entry in whole.entries
    )
    return replace(whole, entries=tuple(entries))


def _fitted_on(question: Question, venue_id: UUID) -> FittedOn:
    sent = question.models.get(str(venue_id), {})
    return "venue" if sent.get("fitted_on") == "venue" else "tenant"


def _question(sent: dict[str, Any]) -> Question:
    return Question(
        venues=tuple(UUID(venue) for venue in sent["venues"]),
        zones=tuple(sent["zones"]),
        as_of=datetime.fromisoformat(sent["as_of"]),
        horizon_days=sent["horizon_days"],
        models=sent["models"],
    )


def _place(place: Written) -> dict[str, Any]:
    found = place.found
    return {
        "venue_id": UUID(bytes=place.venue),
        "customer_count": len(found.customers),
        "model": found.model,
        "refusal": found.refusal,
        "refusal_message": found.refusal_message,
        "row_count": row_count(found),
        "entries": [asdict(entry) for entry in found.entries],
    }


if __name__ == "__main__":
    main()
