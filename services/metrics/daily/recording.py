"""The daily tables' part in a batch of platform events: what its facts add, and zones that it changes.

A transaction that writes days holds the tenant's lock on them from before it writes anything: shared, so that
batches run side by side, or alone when it states venues, because a new time zone cuts all days of a venue
anew. So no batch writes days of a zone that another one has just replaced. The lock is PostgreSQL's advisory
one: it is granted in the order of asking, leaves venues free for readers and writers that cut no days, and,
being taken first, cannot close a circle of waits.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.jobs.queue import save_schedule
from libs.common.postgres.database import Connection
from services.metrics.daily.days import day_of
from services.metrics.daily.facts import DailyFact, DailyVisit, quarter_of
from services.metrics.daily.figures import DayTotals, VenueDay
from services.metrics.daily.locks import lock_alone, lock_shared
from services.metrics.daily.rewriting import rewrite_venue
from services.metrics.daily.schedule import CHECK_ID, check_schedule
from services.metrics.daily.store import DayStore, zones_of

_STATES_VENUES: Final = "venue.updated"


async def begin(conn: Connection, tenant_id: UUID, events: Sequence[Event]) -> Mapping[UUID, str]:
    """Take the lock before anything of a batch is written; returns the zones that the batch may change.

    Args:
        conn: The tenant's open transaction, in which all venues of the events are registered.
        tenant_id: The tenant.
        events: The whole batch.
    """
    venue_ids = {UUID(event.venue_id) for event in events if event.type == _STATES_VENUES}
    lock = lock_alone if venue_ids else lock_shared
    if not await lock(conn, tenant_id, CHECK_ID):
        await save_schedule(conn, check_schedule(tenant_id), now=datetime.now(UTC))
    return await zones_of(conn, tenant_id, venue_ids)


async def record(
    conn: Connection,
    tenant_id: UUID,
    facts: Iterable[DailyFact],
    visits: Iterable[DailyVisit],
    zones_before: Mapping[UUID, str],
) -> None:
    """Add what the recorders of a batch have found, after all of them have written.

    Args:
        conn: The transaction that `begin` was called in.
        tenant_id: The tenant.
        facts: What the batch adds to days.
        visits: Sessions that the batch saw.
        zones_before: What `begin` returned.
    """
    facts, visits = list(facts), list(visits)
    concerned = {*zones_before, *(fact.venue_id for fact in facts), *(visit.venue_id for visit in visits)}
    zones = await zones_of(conn, tenant_id, concerned)
    moved = sorted(venue_id for venue_id, before in zones_before.items() if zones[venue_id] != before)
    clocks = {venue_id: ZoneInfo(name) for venue_id, name in zones.items()}
    await _add(
        DayStore(conn, tenant_id),
        [fact for fact in facts if fact.venue_id not in moved],
        [visit for visit in visits if visit.venue_id not in moved],
        clocks,
    )
    for venue_id in moved:
        await rewrite_venue(conn, tenant_id, venue_id, clocks[venue_id])


async def _add(
    store: DayStore,
    facts: Sequence[DailyFact],
    visits: Sequence[DailyVisit],
    clocks: Mapping[UUID, ZoneInfo],
) -> None:
    totals = DayTotals()
    seen: dict[tuple[UUID, datetime], VenueDay] = {}

    def key_of(venue_id: UUID, at: datetime) -> VenueDay:
        quarter = quarter_of(at)
        known = seen.get((venue_id, quarter))
        if known is None:
            known = seen[venue_id, quarter] = VenueDay(venue_id, day_of(quarter, clocks[venue_id]), "")
        return known

    newest: dict[VenueDay, datetime] = {}
    sessions = []
    for visit in visits:
        key = key_of(visit.venue_id, visit.at)
        if key not in newest or newest[key] < visit.at:
            newest[key] = visit.at
        sessions.append((key.venue_id, key.day, visit.session_id))
    new = Counter(VenueDay(venue_id, day, "") for venue_id, day in await store.add_visitors(sessions))
    for key, count in new.items():
        totals.add(key, None, {"visitor_count": count}, newest[key])
    for (day, event_id), (figures, newest_at) in _by_day(facts, key_of).items():
        totals.add(day, event_id, figures, newest_at)
    await store.add(totals)


def _by_day(
    facts: Iterable[DailyFact], key_of: Callable[[UUID, datetime], VenueDay]
) -> dict[tuple[VenueDay, UUID | None], tuple[dict[str, int], datetime]]:
    """Facts of one day, currency and show as one: figures added up, and the newest event behind them."""
    days: dict[tuple[VenueDay, UUID | None], tuple[dict[str, int], datetime]] = {}
    for fact in facts:
        day = key_of(fact.venue_id, fact.at)
        if fact.currency:
            day = VenueDay(day.venue_id, day.day, fact.currency)
        newest = max(fact.at, fact.newest_fact_at or fact.at)
        known = days.get((day, fact.event_id))
        if known is None:
            days[day, fact.event_id] = (dict(fact.figures), newest)
            continue
        figures, newest_before = known
        for name, count in fact.figures.items():
            figures[name] = figures.get(name, 0) + count
        if newest_before < newest:
            days[day, fact.event_id] = (figures, newest)
    return days
