"""Use case: carry what events say about the secondary market into its tables, whatever was known before."""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.daily.facts import DailyFact
from services.metrics.marketplace.facts import ListingStatement, Resale
from services.metrics.marketplace.listings import Listing, listing_of
from services.metrics.marketplace.store import KnownListing, MarketStore


@dataclass(slots=True)
class Recorded:
    """What recording changed: listings offered for the first time, new resales, and figures of days."""

    first_listed: list[Listing] = field(default_factory=list)
    resales: list[Resale] = field(default_factory=list)
    daily: list[DailyFact] = field(default_factory=list)
    venue_ids: set[UUID] = field(default_factory=set)


async def record_market(
    conn: Connection,
    tenant_id: UUID,
    statements: Collection[ListingStatement],
    resales: Collection[Resale],
) -> Recorded:
    """Keep facts and recompute the listings they are about.

    The order of arrival does not matter: a resale that comes before its listing closes it all the same.
    Recording a fact again changes nothing.
    """
    store, recorded = MarketStore(conn, tenant_id), Recorded()
    once = {resale.resale_id: resale for resale in resales}
    known = await store.lock(statements, resales)
    await store.put_statements(statements)
    new = await store.put_resales(once.values())
    recorded.resales = [once[resale_id] for resale_id in sorted(new)]
    recorded.daily = [_resold(resale) for resale in recorded.resales]
    if known:
        await _recompute(store, known, recorded)
    return recorded


async def _recompute(store: MarketStore, known: dict[UUID, KnownListing], recorded: Recorded) -> None:
    told = await store.statements_of(known.keys())
    closed = await store.closings_of(known.keys())
    listings = [
        listing_of(listing_id, told[listing_id], closed.get(listing_id)) for listing_id in sorted(known)
    ]
    await store.put_listings(listings)
    for listing in listings:
        before = known[listing.listing_id]
        taken_out, put_in = _first_offer(before), _first_offer(_known(listing))
        recorded.venue_ids.update(fact.venue_id for fact in (taken_out, put_in) if fact is not None)
        if taken_out != put_in:
            recorded.daily += [_negated(taken_out)] if taken_out else []
            recorded.daily += [put_in] if put_in else []
        if before.first_listed_at is None and listing.first_listed_at is not None:
            recorded.first_listed.append(listing)


def _known(listing: Listing) -> KnownListing | None:
    if listing.newest is None:
        return None
    newest = listing.newest
    return KnownListing(newest.venue_id, newest.event_id, newest.currency, listing.first_listed_at)


def _first_offer(listing: KnownListing | None) -> DailyFact | None:
    """A listing counts once: where its newest statement puts it, at its first offer."""
    if listing is None or listing.first_listed_at is None or listing.currency is None:
        return None
    return DailyFact(
        listing.venue_id,
        listing.event_id,
        listing.first_listed_at,
        listing.currency,
        {"new_listing_count": 1},
    )


def _negated(fact: DailyFact) -> DailyFact:
    return fact._replace(figures={name: -value for name, value in fact.figures.items()})


def _resold(resale: Resale) -> DailyFact:
    figures = {
        "resale_count": 1,
        "resale_minor": resale.price_minor,
        "royalty_minor": resale.royalty_minor,
    }
    return DailyFact(resale.venue_id, resale.event_id, resale.resold_at, resale.currency, figures)
