"""Puts a history into numbers for the process that calculates."""

from statistics import median_low

from services.metrics.projections.history import MOST_SHOWS, History
from services.metrics.projections.question import Question
from services.metrics.sales.reader import SalesRow


def question(history: History, currency: str, sold: list[SalesRow], days: int) -> Question:
    """The question about one currency of a history.

    Args:
        history: What is known.
        currency: One that it has sales in.
        sold: Sales of its shows.
        days: Days wanted from tomorrow on.
    """
    first, today = history.first_day(currency), history.day_count
    number_of = {show.event_id: number for number, show in enumerate(history.shows)}
    sales = [
        (number_of[row.event_id], row.place - first, row.net_minor)
        for row in sold
        if row.currency == currency and row.event_id is not None and first <= row.place < today
    ]
    doors = [history.day_of(show.doors_at) - first for show in history.shows]
    on_sale = _on_sale(history, first, doors, sales)
    return Question(
        days=days,
        net=[history.net[currency].get(day, 0) for day in range(first, today)],
        on_sale=on_sale,
        doors=[max(pair) for pair in zip(on_sale, doors, strict=True)],
        complete_from=0 if len(doors) < MOST_SHOWS else max(min(doors) + 1, 0),
        sales=sales,
    )


def _on_sale(history: History, first: int, doors: list[int], sales: list[tuple[int, int, int]]) -> list[int]:
    """First days of sale: as stated, else of the first sale, else as long before the doors as usual."""
    sold_from: dict[int, int] = {}
    for number, day, _ in sales:
        sold_from[number] = min(day, sold_from.get(number, day))
    known: dict[int, int] = dict(sold_from)
    for number, show in enumerate(history.shows):
        if show.on_sale_at is not None:
            known[number] = history.day_of(show.on_sale_at) - first
    usual = median_low([doors[number] - day for number, day in known.items()] or [0])
    return [known.get(number, day - usual) for number, day in enumerate(doors)]
