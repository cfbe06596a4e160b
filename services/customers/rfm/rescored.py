"""Scores of a few people by the cut points of their place's last run."""

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

import numpy as np

from services.customers.rfm.copy_rows import EPOCH_DAY
from services.customers.rfm.ledger import Moved, RunRecord
from services.customers.rfm.measuring import Measures
from services.customers.rfm.moves import Change
from services.customers.rfm.outcome import MEASURES, Total
from services.customers.rfm.rescoring_store import Row
from services.customers.rfm.sales import People, moment_of_us
from services.customers.rfm.scoring import score_by_bounds
from services.customers.rfm.segments import segment


def rescored(people: People, rows: Mapping[UUID, Row], run: RunRecord, as_of_day: date) -> list[Row]:
    """New rows of those whose figures differ from their rows.

    Args:
        people: Their figures at the place now.
        rows: Their rows that stand, as far as they have one.
        run: The place's last run.
        as_of_day: The local day that looks back.
    """
    ages = np.maximum(as_of_day.toordinal() - people.last_day, 0)
    bounds = score_by_bounds(Measures(np.arange(len(people)), ages, people.orders, people.spend))
    found = []
    for at in range(len(people)):
        before = rows.get(people.customer_id(at))
        ranked = None if before is None else before.ranked
        figures = (int(people.last_day[at]), int(people.orders[at]), int(people.spend[at]))
        if run.is_by_fixed_bounds:
            scores = [int(getattr(bounds, name)[at]) for name in MEASURES]
        else:
            was = (None,) * 3 if ranked is None else (ranked.day.toordinal(), *ranked[1:])
            scores = [
                run.cuts[name].score(value, old)
                for name, value, old in zip(MEASURES, figures, was, strict=True)
            ]
        row = Row(
            customer_id=people.customer_id(at),
            currency=people.currencies[int(people.currency[at])],
            last_purchase_at=moment_of_us(int(people.last_us[at])),
            last_purchase_day=date.fromordinal(figures[0]),
            order_count=figures[1],
            spend_minor=figures[2],
            others=people.others.get(at, {}),
            newest_fact_at=moment_of_us(int(people.newest_us[at])),
            recency=scores[0],
            frequency=scores[1],
            monetary=scores[2],
            segment=segment(*scores).value,
            ranked=ranked,
        )
        if before is None or before.measured != row.measured:
            found.append(row)
    return found


def moved(before: Row | None, after: Row | None) -> Moved | None:
    """How a person moved; None: they did not."""
    known = before or after
    assert known is not None, "someone is there before or after"
    was, now = (None if row is None else row.segment for row in (before, after))
    if was == now:
        return None
    changes: tuple[Change, ...] = ()
    if before is not None and after is not None:
        pairs = ((name, getattr(before, name), getattr(after, name)) for name in MEASURES)
        changes = tuple(Change(*pair) for pair in pairs if pair[1] != pair[2])
    return Moved(known.customer_id, was, now, changes)


def totals_of_changes(changes: Iterable[tuple[Row | None, Row | None]]) -> list[Total]:
    """What rows that came and went add to the sums by segment."""
    sums: dict[tuple[str, str], list[int]] = {}

    def add(segment_and_currency: tuple[str, str], *figures: int) -> None:
        kept = sums.setdefault(segment_and_currency, [0] * len(figures))
        for place, figure in enumerate(figures):
            kept[place] += figure

    for before, after in changes:
        for row, sign in ((before, -1), (after, 1)):
            if row is None:
                continue
            days = row.last_purchase_day.toordinal() - EPOCH_DAY
            figures = (1, row.order_count, row.spend_minor, days)
            add((row.segment, row.currency), *(sign * figure for figure in figures))
            for currency, spend in row.others.items():
                add((row.segment, currency), 0, 0, sign * spend, 0)
    return [Total(*key, *figures) for key, figures in sorted(sums.items()) if any(figures)]
