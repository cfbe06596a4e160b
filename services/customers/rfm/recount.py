"""A run that counts everyone's figures from all purchases."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar
from uuid import UUID

from services.customers.rfm.outcome import Outcome, Standing, outcome_of
from services.customers.rfm.place import WHOLE_TENANT
from services.customers.rfm.running import Found, Running
from services.customers.rfm.sales import People, joined, moment_of_us, people_of

_T = TypeVar("_T")
_R = TypeVar("_R")


async def recount(run: Running) -> None:
    """Score everyone at every place; PostgreSQL reads what comes next while this process calculates."""
    venues = list(run.clocks)
    parts = [await run.sales(venues[0])]
    for number, venue_id in enumerate(venues, start=1):
        people, standing = await _beside(partial(people_of, parts[-1]), run.figures(venue_id).standing())
        scoring = _scoring(run, venue_id, people, standing)
        if number < len(venues):
            outcome, sales = await _beside(scoring, run.sales(venues[number]))
            parts.append(sales)
        else:
            outcome, of_tenant = await _beside(scoring, run.figures(WHOLE_TENANT).standing())
        await run.write(_found(run, venue_id, outcome, standing))
    first_here, first_there = (place not in run.before for place in run.places[-2:])
    if len(venues) > 1 or first_here != first_there or not of_tenant.equals(standing):
        people = await asyncio.to_thread(lambda: people_of(joined(parts)))
        outcome = await asyncio.to_thread(_scoring(run, WHOLE_TENANT, people, of_tenant))
    await run.write(_found(run, WHOLE_TENANT, outcome, of_tenant))


def _scoring(run: Running, place: UUID, people: People, standing: Standing) -> Callable[[], Outcome]:
    return partial(outcome_of, people, standing, run.day(place), is_first=place not in run.before)


def _found(run: Running, place: UUID, outcome: Outcome, standing: Standing) -> Found:
    newest = moment_of_us(int(outcome.people.newest_us.max())) if len(outcome.people) else None
    return Found(place, outcome, standing, None, run.as_of, newest)


async def _beside(calculation: Callable[[], _T], reading: Awaitable[_R]) -> tuple[_T, _R]:
    """A calculation that leaves the event loop free, and what is read meanwhile."""
    return await asyncio.gather(asyncio.to_thread(calculation), reading)
