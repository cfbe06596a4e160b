"""The side of a run that calculates: question and purchases on standard input, answer and rows on output."""

import json
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO
from uuid import UUID
from zoneinfo import ZoneInfo

from services.customers.lifetime.copy_format import read_purchases
from services.customers.lifetime.places import Located, located
from services.customers.lifetime.purchases import Customers, Purchases, customers_of
from services.customers.models.process import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question and what it is about.

    Attributes:
        terms: What this kind of run wants to know.
        purchases: The tenant's.
        customers: Those who bought.
        places: The tenant first, then each venue with a purchase.
    """

    terms: Mapping[str, Any]
    purchases: Purchases
    customers: Customers
    places: Iterator[Located]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What is said of one place.

    Attributes:
        told: Findings, as JSON: `row_count` and the models, `entries`, among them.
        rows: Makes its rows, of a COPY; called when they are sent, as all places' would be too many.
    """

    told: Mapping[str, Any]
    rows: Callable[[], Iterator[bytes]]


Calculation = Callable[[Asked, Progress], Iterable[Answer]]


def main(calculation: Calculation) -> None:
    """Answer one question."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the asking process ends us
    answer(calculation, sys.stdin.buffer, sys.stdout.buffer)


def answer(calculation: Calculation, asked: BinaryIO, out: BinaryIO) -> None:
    """Lines of JSON: progress, then the result; then rows, each chunk after a line with its length."""

    def say(**message: Any) -> None:
        out.write(json.dumps(message, default=str).encode() + b"\n")
        out.flush()

    question = json.loads(asked.readline())
    purchases = read_purchases(asked)
    answers = list(calculation(_asked(question, purchases), lambda what, share: say(stage=what, share=share)))
    say(places=[one.told for one in answers])
    for one in answers:
        for rows in one.rows():
            say(bytes=len(rows))
            out.write(rows)
    say(bytes=0)


def _asked(question: dict[str, Any], purchases: Purchases) -> Asked:
    as_of = datetime.fromisoformat(question.pop("as_of"))
    venues = zip(question.pop("venues"), question.pop("zones"), strict=True)
    clocks = {UUID(venue): ZoneInfo(name) for venue, name in venues}
    customers, codes = customers_of(purchases)
    return Asked(question, purchases, customers, located(purchases, codes, clocks, as_of))
