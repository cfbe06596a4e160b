"""Use case: where the sales of shows stand among comparable past shows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from libs.common.buckets import zone
from libs.common.postgres.database import Connection
from services.metrics.capacity.figures import EventSeats, Seats
from services.metrics.capacity.report import Capacity
from services.metrics.performance.rank import Rank, rank_among
from services.metrics.performance.shows import Show
from services.metrics.performance.similarity import Comparable, Past, Traits
from services.metrics.performance.store import select_past, select_shows
from services.metrics.sales.until import SoldUntil, sold_until

_DAY: Final = timedelta(days=1)


class ComparableShow(NamedTuple):
    """A past show that resembles another, how full it was as far before its doors, and in the end."""

    show: Show
    sell_through: float
    final_sell_through: float | None
    similarities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pacing:
    """How full a show is beside its comparables."""

    days_before_doors: float
    sell_through: float
    rank: Rank
    comparables: tuple[ComparableShow, ...]


@dataclass(frozen=True, slots=True)
class Standings:
    """Shows, their seats, and the pacing of those that have a start and seats and are not cancelled."""

    shows: Mapping[UUID, Show]
    seats: Mapping[UUID, EventSeats]
    pacing: Mapping[UUID, Pacing]


class PacingReader:
    """Paces of tenants' shows, from the books as they are now."""

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity

    async def percentiles_at(
        self, conn: Connection, tenant_id: UUID, event_ids: Collection[UUID], at: datetime
    ) -> dict[UUID, float]:
        """Share of each show's comparables that had sold a smaller part of their seats, 0 to 1.

        Args:
            conn: A transaction of the tenant; its venue grant limits the shows and their comparables.
            tenant_id: The tenant.
            event_ids: Shows; those without a percentile are left out of the answer.
            at: The instant to judge at: sales before it, beside shows whose doors had opened by then.
        """
        standings = await self.standings_in(conn, tenant_id, event_ids, at)
        return {
            event_id: pacing.rank.percentile
            for event_id, pacing in standings.pacing.items()
            if pacing.rank.percentile is not None
        }

    async def standings_in(
        self, conn: Connection, tenant_id: UUID, event_ids: Collection[UUID], at: datetime
    ) -> Standings:
        """Shows with their pacing, in as many statements for one show as for all.

        Args:
            conn: A transaction of the tenant; its venue grant limits the shows and their comparables.
            tenant_id: The tenant.
            event_ids: Shows; those that the transaction does not see are left out.
            at: The instant to judge at.
        """
        if not event_ids:
            return Standings({}, {}, {})
        past_ids = await select_past(conn, tenant_id, at)
        known = await select_shows(conn, tenant_id, {*event_ids, *past_ids})
        seats = await self._capacity.seats_in(conn, tenant_id, list(known))
        asked = [known[event_id] for event_id in event_ids if event_id in known]
        past = Past(list(_traits_of((known[each] for each in past_ids if each in known), seats)), at)
        found = {
            traits.event_id: (
                traits,
                past.comparable_to(traits) if known[traits.event_id].sold_by(at) else [],
            )
            for traits in _traits_of(asked, seats)
        }
        questions = [
            *(SoldUntil(event_id, at) for event_id in found),
            *(SoldUntil(one.event_id, one.until) for _, others in found.values() for one in others),
        ]
        sold = await sold_until(conn, tenant_id, questions)
        sold_by_then = iter(sold[len(found) :])
        pacing = {}
        for sold_now, (event_id, (traits, others)) in zip(sold, found.items(), strict=False):
            compared = tuple(_comparable(one, known, seats, next(sold_by_then)) for one in others)
            pacing[event_id] = _pacing(sold_now, traits, at, compared)
        return Standings({show.event_id: show for show in asked}, seats, pacing)


def _traits_of(shows: Iterable[Show], seats: Mapping[UUID, EventSeats]) -> Iterable[Traits]:
    """Of the shows that take place, at a known time, with known seats."""
    for show in shows:
        capacity = seats[show.event_id].seats.total if show.event_id in seats else None
        if show.cancelled or show.starts_at is None or show.doors_at is None or not capacity:
            continue
        yield Traits(
            event_id=show.event_id,
            venue_id=show.venue_id,
            weekday=show.starts_at.astimezone(zone(show.time_zone)).weekday(),
            genre=show.genre,
            price_minor=show.price_minor,
            currency=show.currency,
            capacity=capacity,
            doors_at=show.doors_at,
            began_at=show.began_at,
        )


def _comparable(
    one: Comparable,
    shows: Mapping[UUID, Show],
    seats: Mapping[UUID, EventSeats],
    sold: int,
) -> ComparableShow:
    final = seats[one.event_id].seats
    by_then = Seats(final.total, final.held, sold)
    return ComparableShow(
        shows[one.event_id], by_then.utilisation or 0.0, final.utilisation, one.similarities
    )


def _pacing(sold: int, traits: Traits, at: datetime, comparables: tuple[ComparableShow, ...]) -> Pacing:
    sell_through = sold / traits.capacity
    return Pacing(
        days_before_doors=(traits.doors_at - at) / _DAY,
        sell_through=sell_through,
        rank=rank_among(sell_through, [one.sell_through for one in comparables]),
        comparables=comparables,
    )
