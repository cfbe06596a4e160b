"""On which days sessions came, and how long after the day before; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from services.metrics.visits.facts import VisitFact

ALL_VENUES: Final = UUID(int=0)
"""In keys: every venue of the tenant together."""
NEVER: Final = date.min
"""Before a session's first day; the database has it as '-infinity'."""


class HistoryKey(NamedTuple):
    """Grain of session_histories."""

    venue_id: UUID
    session_id: str


class Gap(NamedTuple):
    """Grain of session_gaps."""

    venue_id: UUID
    day: date
    previous_day: date


def days_of(facts: Iterable[VisitFact]) -> dict[HistoryKey, set[date]]:
    """Days (UTC) of the sessions at each venue."""
    days: dict[HistoryKey, set[date]] = {}
    for fact in facts:
        days.setdefault(HistoryKey(fact.venue_id, fact.session_id), set()).add(fact.at.date())
    return days


def with_all_venues(days: Mapping[HistoryKey, set[date]]) -> dict[HistoryKey, set[date]]:
    """The days at each venue, and at all of them together."""
    found = dict(days)
    for key, own in days.items():
        everywhere = HistoryKey(ALL_VENUES, key.session_id)
        found[everywhere] = found.get(everywhere, set()) | own
    return found


def longer(
    known: Mapping[HistoryKey, Sequence[date]], days: Mapping[HistoryKey, set[date]]
) -> dict[HistoryKey, list[date]]:
    """The histories that days add to, with these days."""
    joined = {key: sorted(own.union(known[key])) for key, own in days.items()}
    return {key: after for key, after in joined.items() if len(after) > len(known[key])}


def gap_changes(
    known: Mapping[HistoryKey, Sequence[date]], after: Mapping[HistoryKey, Sequence[date]]
) -> dict[Gap, int]:
    """What longer histories add to the number of sessions of each gap; a day that fills a gap ends it."""
    changes: Counter[Gap] = Counter()
    for key, days in after.items():
        changes.update(_gaps(key, days))
        changes.subtract(_gaps(key, known[key]))
    return {gap: count for gap, count in changes.items() if count}


def _gaps(key: HistoryKey, days: Sequence[date]) -> list[Gap]:
    return [Gap(key.venue_id, day, previous) for previous, day in zip([NEVER, *days], days, strict=False)]
