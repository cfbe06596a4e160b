"""SQL that keeps listings and resales."""

from collections.abc import Collection, Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from libs.common.bus.revision import Revision
from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.marketplace.facts import ListingStatement, Resale
from services.metrics.marketplace.listings import Listing, Span, reach_hours

# Grain: one listing that a fact names for the first time. Sorted, so that two transactions with the same
# listings wait in one order; one that exists, or that another transaction is just making, is left to _LOCK.
_NAME_LISTINGS = """
insert into listings (tenant_id, listing_id, venue_id, ticket_id, event_id, ticket_type_id)
select $1, listing_id, venue_id, ticket_id, event_id, ticket_type_id
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[])
       as new (listing_id, venue_id, ticket_id, event_id, ticket_type_id)
 order by listing_id
on conflict (tenant_id, listing_id) do nothing
"""

# Grain: one listing. Index: listings_pkey. Locked in one order, so that whoever recomputes a listing sees all
# that was committed about it before.
_LOCK = """
select listing_id, venue_id, event_id, currency, first_listed_at
  from listings
 where tenant_id = $1 and listing_id = any($2::uuid[])
 order by listing_id
   for update
"""

# Grain: one statement about a locked listing; one that is known already is left as it is.
_PUT_STATEMENTS = """
insert into listing_statements (tenant_id, listing_id, version, stated_at, revision_id, venue_id, ticket_id,
                                event_id, ticket_type_id, status, currency, price_minor, face_value_minor)
select $1, listing_id, version, stated_at, revision_id, venue_id, ticket_id,
       event_id, ticket_type_id, status, currency, price_minor, face_value_minor
  from unnest($2::uuid[], $3::bigint[], $4::timestamptz[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[],
              $9::uuid[], $10::text[], $11::text[], $12::bigint[], $13::bigint[])
       as new (listing_id, version, stated_at, revision_id, venue_id, ticket_id,
               event_id, ticket_type_id, status, currency, price_minor, face_value_minor)
on conflict (tenant_id, listing_id, revision_id) do nothing
"""

# Grain: one resale nobody told before. Sorted, so that two transactions with the same resales wait in one
# order.
_PUT_RESALES = """
insert into resales (tenant_id, resale_id, resold_at, venue_id, ticket_id, event_id, ticket_type_id,
                     listing_id, currency, price_minor, face_value_minor, royalty_minor)
select $1, resale_id, resold_at, venue_id, ticket_id, event_id, ticket_type_id, listing_id,
       currency, price_minor, face_value_minor, royalty_minor
  from unnest($2::uuid[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[],
              $9::text[], $10::bigint[], $11::bigint[], $12::bigint[])
       as new (resale_id, resold_at, venue_id, ticket_id, event_id, ticket_type_id, listing_id,
               currency, price_minor, face_value_minor, royalty_minor)
 order by resale_id
on conflict (tenant_id, resale_id) do nothing
returning resale_id
"""

# Grain: one statement. Index: listing_statements_pkey, by its first two columns.
_STATEMENTS = """
select listing_id, version, stated_at, revision_id, venue_id, ticket_id, event_id, ticket_type_id, status,
       currency, price_minor, face_value_minor
  from listing_statements
 where tenant_id = $1 and listing_id = any($2::uuid[])
"""

# Grain: one listing that a resale closed. Index: resales_by_listing.
_CLOSINGS = """
select listing_id, min(resold_at) as closed_at
  from resales
 where tenant_id = $1 and listing_id = any($2::uuid[])
 group by listing_id
"""

# Grain: one listing that this transaction has locked. Without a statement it stays as the resale named it.
_UPDATE = """
update listings
   set venue_id = coalesce(new.venue_id, listings.venue_id),
       ticket_id = coalesce(new.ticket_id, listings.ticket_id),
       event_id = coalesce(new.event_id, listings.event_id),
       ticket_type_id = case when new.status is null then listings.ticket_type_id else new.ticket_type_id end,
       status = new.status, currency = new.currency, price_minor = new.price_minor,
       face_value_minor = new.face_value_minor, first_listed_at = new.first_listed_at,
       closed_at = new.closed_at
  from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::uuid[], $6::uuid[], $7::uuid[],
              $8::uuid[], $9::text[], $10::text[], $11::bigint[], $12::bigint[])
       as new (listing_id, first_listed_at, closed_at, venue_id, ticket_id, event_id, ticket_type_id,
               status, currency, price_minor, face_value_minor)
 where listings.tenant_id = $1 and listings.listing_id = new.listing_id
"""

# Grain: one span of a listing that this transaction has locked. Index: listing_spans_pkey.
_TAKE_OUT_SPANS = """
delete from listing_spans
 where tenant_id = $1 and listing_id = any($2::uuid[])
"""

# Grain: one span of a listing that this transaction has locked.
_PUT_IN_SPANS = """
insert into listing_spans (tenant_id, listing_id, starts_at, ends_at, reach_hours, venue_id, event_id,
                           currency, price_minor, face_value_minor)
select $1, listing_id, starts_at, ends_at, reach_hours, venue_id, event_id, currency,
       price_minor, face_value_minor
  from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::integer[], $6::uuid[], $7::uuid[],
              $8::text[], $9::bigint[], $10::bigint[])
       as new (listing_id, starts_at, ends_at, reach_hours, venue_id, event_id, currency,
               price_minor, face_value_minor)
"""

_terms = attrgetter(
    "venue_id", "ticket_id", "event_id", "ticket_type_id", "status", "currency", "price_minor",
    "face_value_minor",
)  # fmt: skip
_resale_values = attrgetter(
    "resale_id", "resold_at", "venue_id", "ticket_id", "event_id", "ticket_type_id", "listing_id", "currency",
    "price_minor", "face_value_minor", "royalty_minor",
)  # fmt: skip


class KnownListing(NamedTuple):
    """What a listing has counted for until now; `first_listed_at` is None while it has not."""

    venue_id: UUID
    event_id: UUID
    currency: str | None
    first_listed_at: datetime | None


class MarketStore:
    """The secondary market of one tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def lock(
        self, statements: Iterable[ListingStatement], resales: Iterable[Resale]
    ) -> dict[UUID, KnownListing]:
        """Every listing that the facts name, made where it was not known."""
        facts: tuple[ListingStatement | Resale, ...] = (*resales, *statements)
        named = {
            fact.listing_id: (
                fact.listing_id,
                fact.venue_id,
                fact.ticket_id,
                fact.event_id,
                fact.ticket_type_id,
            )
            for fact in facts
            if fact.listing_id is not None
        }
        if not named:
            return {}
        await self._driver.execute(_NAME_LISTINGS, self._tenant_id, *columns(named.values(), 5))
        rows = await self._driver.fetch(_LOCK, self._tenant_id, list(named))
        return {
            row["listing_id"]: KnownListing(
                row["venue_id"], row["event_id"], row["currency"], row["first_listed_at"]
            )
            for row in rows
        }

    async def put_statements(self, statements: Iterable[ListingStatement]) -> None:
        rows = [(statement.listing_id, *statement.revision, *_terms(statement)) for statement in statements]
        if rows:
            await self._driver.execute(_PUT_STATEMENTS, self._tenant_id, *columns(rows, 12))

    async def put_resales(self, resales: Iterable[Resale]) -> frozenset[UUID]:
        """Keep resales; returns the ids of those that were not known."""
        rows = [_resale_values(resale) for resale in resales]
        if not rows:
            return frozenset()
        new = await self._driver.fetch(_PUT_RESALES, self._tenant_id, *columns(rows, 11))
        return frozenset(row["resale_id"] for row in new)

    async def statements_of(self, listing_ids: Collection[UUID]) -> dict[UUID, list[ListingStatement]]:
        """All statements about these listings, by listing."""
        found: dict[UUID, list[ListingStatement]] = {listing_id: [] for listing_id in listing_ids}
        for row in await self._driver.fetch(_STATEMENTS, self._tenant_id, list(listing_ids)):
            found[row["listing_id"]].append(_statement(row))
        return found

    async def closings_of(self, listing_ids: Collection[UUID]) -> dict[UUID, datetime]:
        """When a resale closed these listings; those still open are left out."""
        rows = await self._driver.fetch(_CLOSINGS, self._tenant_id, list(listing_ids))
        return {row["listing_id"]: row["closed_at"] for row in rows}

    async def put_listings(self, listings: Collection[Listing]) -> None:
        """Replace locked listings and their spans."""
        rows = [_listing_row(listing) for listing in listings]
        await self._driver.execute(_UPDATE, self._tenant_id, *columns(rows, 11))
        await self._driver.execute(
            _TAKE_OUT_SPANS, self._tenant_id, [listing.listing_id for listing in listings]
        )
        spans = [_span_row(span) for listing in listings for span in listing.spans]
        if spans:
            await self._driver.execute(_PUT_IN_SPANS, self._tenant_id, *columns(spans, 9))


def _statement(row: Any) -> ListingStatement:
    return ListingStatement(
        listing_id=row["listing_id"],
        revision=Revision(row["version"], row["stated_at"], row["revision_id"]),
        venue_id=row["venue_id"],
        ticket_id=row["ticket_id"],
        event_id=row["event_id"],
        ticket_type_id=row["ticket_type_id"],
        status=row["status"],
        currency=row["currency"],
        price_minor=row["price_minor"],
        face_value_minor=row["face_value_minor"],
    )


def _listing_row(listing: Listing) -> tuple[object, ...]:
    told = (None,) * 8 if listing.newest is None else _terms(listing.newest)
    return (listing.listing_id, listing.first_listed_at, listing.closed_at, *told)


def _span_row(span: Span) -> tuple[object, ...]:
    terms = span.terms
    return (
        terms.listing_id,
        span.starts_at,
        span.ends_at,
        reach_hours(span),
        terms.venue_id,
        terms.event_id,
        terms.currency,
        terms.price_minor,
        terms.face_value_minor,
    )
