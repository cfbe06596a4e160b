"""Use case: customers who have not bought for a while, with how likely they are to stay away beside it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from tickettoken.customers.v1 import churn_pb2

from libs.common.buckets import zone
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.paging import PageTokens, page_size
from libs.common.postgres.database import Connection, Database
from services.customers.churn.chances import Chance, Places, live_chances, stored_chances
from services.customers.churn.options import ChurnOptions
from services.customers.churn.reading_store import ReadingStore, StoredChurn
from services.customers.churn.risk_store import Silent, SilentPage, select_silent, select_venues
from services.customers.churn.silent_days import days_since, silent_since
from services.customers.models.entry import WHOLE_TENANT
from services.customers.models.registry import ModelRegistry
from services.customers.people.reader import PeopleReader, Person
from services.customers.purchases.rows import PurchaseRow, rows_in

DEFAULT_THRESHOLD: Final = 90


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A customer who is at risk, silent for so many days; `chance` None: no model tells."""

    silent: Silent
    person: Person | None
    days: int
    bought: Sequence[PurchaseRow]
    chance: Chance | None


@dataclass(frozen=True, slots=True)
class RiskPage:
    """One page of them, and how many there are."""

    customers: Sequence[AtRisk]
    found: SilentPage
    threshold: int
    horizon_days: int
    stored_horizon_days: int
    next_page_token: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """What customers of a page bought, and what the newest run says of them, so many days ahead."""

    bought: Mapping[UUID, Sequence[PurchaseRow]]
    stored: Sequence[StoredChurn]
    horizon_days: int


class ChurnRisk:
    """Lists of customers at risk.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        registry: Fitted models.
        people: Who the customers are.
        pages: Page tokens.
        options: Settings.
        now: The time, UTC.
    """

    def __init__(
        self,
        database: Database,
        venues: Venues,
        registry: ModelRegistry,
        people: PeopleReader,
        *,
        pages: PageTokens,
        options: ChurnOptions,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._venues = venues
        self._registry = registry
        self._people = people
        self._pages = pages
        self._options = options
        self._now = now

    async def page(self, scope: TenantScope, request: churn_pb2.GetChurnRiskRequest) -> RiskPage:
        """One page of the customers that the request asks for.

        Raises:
            VenueNotFound: The scope has no such venue.
            InvalidField: The page's size is negative.
            PageTokenInvalid: The token is of another request.
        """
        venue_id = UUID(request.venue_id) if request.venue_id else None
        if venue_id is not None:
            await self._venues.require(scope, [venue_id])
        size = page_size(request.page_size)
        after = self._pages.read(tenant_id=scope.tenant_id, request=request)
        threshold = request.threshold if request.HasField("threshold") else DEFAULT_THRESHOLD
        now = self._now()
        async with self._database.transaction(scope) as conn:
            venues = await select_venues(conn, scope.tenant_id, venue_id)
            places = _places(scope, venue_id, {one: zone(name) for one, name in venues})
            since = [(one, silent_since(now, clock, threshold)) for one, clock in places.clocks.items()]
            found = await select_silent(
                conn, scope.tenant_id, since, places.whole, after=after, limit=size + 1
            )
            ids = [one.customer_id for one in found.customers[:size]]
            seen = await self._seen(conn, scope.tenant_id, places, ids)
            models = await self._registry.newest(scope, venue_id, ("purchases",))
            people = await self._people.people(scope, ids, venue_id=venue_id)
        horizon = request.horizon_days if request.HasField("horizon_days") else seen.horizon_days
        chances = stored_chances(places, seen.bought, seen.stored)
        if horizon != seen.horizon_days:
            serving = {one.entry.venue_id: one.entry for one in models if one.entry.is_serving}
            chances = await asyncio.to_thread(live_chances, places, seen.bought, serving, now, horizon)
        customers = [
            AtRisk(
                one,
                people.get(one.customer_id),
                _days(seen.bought[one.customer_id], now, places.clocks),
                seen.bought[one.customer_id],
                chances.get(one.customer_id),
            )
            for one in found.customers[:size]
        ]
        token = self._token(scope, request, found, size)
        return RiskPage(customers, found, threshold, horizon, seen.horizon_days, token)

    async def _seen(self, conn: Connection, tenant_id: UUID, places: Places, ids: Sequence[UUID]) -> _Seen:
        bought: dict[UUID, list[PurchaseRow]] = defaultdict(list)
        for row in await rows_in(conn, tenant_id, ids, list(places.clocks)):
            bought[row.customer_id].append(row)
        store = ReadingStore(conn, tenant_id)
        horizon = await store.horizon(places.ids) or self._options.horizon_days
        return _Seen(bought, await store.stored(places.ids, ids), horizon)

    def _token(
        self, scope: TenantScope, request: churn_pb2.GetChurnRiskRequest, found: SilentPage, size: int
    ) -> str:
        if len(found.customers) <= size:
            return ""
        last = found.customers[size - 1]
        position = (last.rank, last.last_purchase_at, last.customer_id)
        return self._pages.make(position, tenant_id=scope.tenant_id, request=request)


def _places(scope: TenantScope, venue_id: UUID | None, clocks: Mapping[UUID, ZoneInfo]) -> Places:
    """What was made from all venues is not for a token that grants some of them."""
    if venue_id is not None:
        return Places(clocks, venue_id)
    return Places(clocks, WHOLE_TENANT if scope.venue_ids is None else None)


def _days(rows: Sequence[PurchaseRow], now: datetime, clocks: Mapping[UUID, ZoneInfo]) -> int:
    return min(days_since(row.sold_at, now, clocks[row.venue_id]) for row in rows if row.order_count)
