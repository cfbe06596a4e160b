"""The process that fits and values: question and purchases on standard input, answer and rows on output."""

import json
import signal
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Any, BinaryIO
from uuid import UUID

from services.customers.lifetime.calculation import PlaceResult, Question, calculated, rows_of
from services.customers.lifetime.copy_format import read_purchases
from services.customers.lifetime.purchases import customers_of


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

    def tell(what: str, share: float) -> None:
        say(stage=what, share=share)

    results = list(calculated(question, purchases, customers, codes, tell))
    say(places=[_place(result) for result in results])
    for result in results:
        for rows in rows_of(result, customers, purchases.currencies):
            say(bytes=len(rows))
            out.write(rows)
    say(bytes=0)


def _question(sent: dict[str, Any]) -> Question:
    return Question(
        venues=tuple(UUID(venue) for venue in sent["venues"]),
        zones=tuple(sent["zones"]),
        as_of=datetime.fromisoformat(sent["as_of"]),
        horizon_days=sent["horizon_days"],
        least_repeaters=sent["least_repeaters"],
    )


def _place(result: PlaceResult) -> dict[str, Any]:
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
    main()
