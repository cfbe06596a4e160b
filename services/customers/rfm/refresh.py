"""A run that goes on from the last one: only figures that may differ from their rows are counted anew.

These are the figures of whoever has a mark, was scored between the runs, or has a purchase that was sold
since or left the window since. Everybody else's row states what a recount would, so rows are what is ranked.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import numpy as np

from services.customers.rfm.cut_points import CutPoints
from services.customers.rfm.figures_store import Span, bought_or_scored_since
from services.customers.rfm.outcome import (
    MEASURES,
    RANKED,
    Standing,
    compared,
    cuts_of,
    difference,
    scores_by,
)
from services.customers.rfm.place import WHOLE_TENANT
from services.customers.rfm.running import Found, Running
from services.customers.rfm.sales import People, Sales, among, joined, moment_of_us, people_of
from services.customers.rfm.scoring import FEWEST_RANKED
from services.customers.rfm.window import window_start

_LONGEST: Final = timedelta(days=6, hours=12)
"""Since a recount, so that every seventh night is one."""
_GREATEST_PART: Final = 4
"""Of the tenant's customers, a fourth: more are counted faster in order, with all others."""
_INSTANT: Final = timedelta(microseconds=1)


async def refresh(run: Running, marked: Collection[UUID]) -> bool:
    """Score everyone at every place, or write nothing and say False: everyone has to be counted.

    Args:
        run: The run.
        marked: Everyone with a mark.
    """
    if not (WHOLE_TENANT in run.before and all(_goes_on(run, place) for place in run.places)):
        return False
    spans = [span for venue_id in run.clocks for span in _spans(run, venue_id)]
    due = sorted({*marked, *await bought_or_scored_since(run.conn, run.tenant_id, spans)})
    if len(due) * _GREATEST_PART > run.before[WHOLE_TENANT].customer_count:
        return False
    sales = {venue_id: await run.sales(venue_id, due) for venue_id in run.clocks}
    # the customers of a tenant with one venue are those of the venue, and so are their rows
    alike = [run.places] if len(run.clocks) == 1 else [[place] for place in run.places]
    found: list[Found] = []
    for places in alike:
        some = await _found(run, places, due, sales)
        if some is None:
            return False
        found += some
    for one in found:
        await run.write(one)
    return True


def _goes_on(run: Running, place: UUID) -> bool:
    """Whether the last run left figures at a place that this one would have, but for what happened since."""
    before, clock = run.before.get(place), run.clocks.get(place)
    return (
        before is not None
        and before.counted_at is not None
        and before.counted_at <= before.computed_at <= run.as_of <= before.counted_at + _LONGEST
        and before.computed_at == run.before[WHOLE_TENANT].computed_at
        and before.window_days == run.window_days
        and before.time_zone == (None if clock is None else clock.key)
        and not before.is_by_fixed_bounds
    )


def _spans(run: Running, venue_id: UUID) -> tuple[Span, Span]:
    """When what was sold since the last run was sold, and what has left the window since."""
    before = run.before[venue_id]
    start = window_start(before.as_of_day, run.clocks[venue_id], before.window_days)
    return (
        Span(venue_id, before.computed_at, run.as_of + _INSTANT),
        Span(venue_id, start, run.start(venue_id)),
    )


async def _found(
    run: Running, places: Sequence[UUID], due: Sequence[UUID], sales: Mapping[UUID, Sales]
) -> list[Found] | None:
    """What is to be written of places with the same customers; None: ranks say nothing of so few."""
    venues = [place for place in places if place in run.clocks] or list(run.clocks)
    parts = [sales[venue_id] for venue_id in venues]
    rows = await run.figures(places[0]).ranked()
    cuts, beside = await asyncio.to_thread(lambda: _moved_borders(rows, due, people_of(joined(parts))))
    if cuts["recency"].count < FEWEST_RANKED:
        return None
    parts += [await run.sales(venue_id, beside) for venue_id in venues]
    people = people_of(joined(parts))
    return await _compared(run, places, [*due, *beside], people, cuts)


def _moved_borders(
    rows: Standing, due: Sequence[UUID], people: People
) -> tuple[dict[str, CutPoints], list[UUID]]:
    """Cut points of everyone, and who has to be scored anew only because they moved.

    Args:
        rows: Everyone's, of whom those who are due may have other figures by now.
        due: Those.
        people: Whoever of them has bought, with their figures.
    """
    stays = np.flatnonzero(~among((rows.columns["high"], rows.columns["low"]), due))
    kept = {name: rows.columns[name][stays] for name in (*RANKED.values(), *MEASURES)}
    everyone = {name: np.concatenate([kept[name], getattr(people, name)]) for name in RANKED.values()}
    cuts = cuts_of(everyone)
    scores = scores_by(cuts, kept)
    differs = np.any([getattr(scores, name) != kept[name] for name in MEASURES], axis=0)
    return cuts, sorted(rows.ids(stays[differs]))


async def _compared(
    run: Running,
    places: Sequence[UUID],
    touched: Sequence[UUID],
    people: People,
    cuts: Mapping[str, CutPoints],
) -> list[Found]:
    """Those whose rows may differ, beside their rows, which say the same at each of the places."""
    figures = run.figures(places[0])
    standing = await figures.standing(touched)
    scores = scores_by(cuts, {column: getattr(people, column) for column in RANKED.values()})
    outcome = compared(people, standing, scores, cuts, is_first=False)
    added = difference(outcome.totals, standing.totals(await figures.others(standing)))
    newest = [moment_of_us(int(people.newest_us.max()))] if len(people) else []
    found = []
    for place in places:
        before = run.before[place]
        known = [*newest, before.newest_fact_at] if before.newest_fact_at else newest
        found.append(Found(place, outcome, standing, added, before.counted_at, max(known, default=None)))
    return found
