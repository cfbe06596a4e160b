"""Use case: what a customer prefers, at one venue or at all that a caller sees."""

import asyncio
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import BASELINES
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.people.reader import PeopleReader
from services.customers.preferences.store import Bought, select_baseline, select_purchases
from services.customers.preferences.taste import Baseline, Dimension, taste

_MOST_PURCHASES: Final = 1_000
_MOST_COMPARED: Final = 20_000
_COMPARED_SINCE: Final = timedelta(days=730)
_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Preferences:
    """What purchases tell of a customer, and the time of the newest fact about them."""

    dimensions: Sequence[Dimension]
    purchase_count: int
    as_of: datetime | None


class Tastes:
    """Preferences of customers. What is typical of a venue is counted at most once an hour and then kept.

    Args:
        database: The service's database.
        people: Who people are.
        cache: Keeps what is typical of venues.
        now: The clock.
        most_compared: Purchases of a venue that a customer is compared with.
    """

    def __init__(
        self,
        database: Database,
        people: PeopleReader,
        cache: Cache,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        most_compared: int = _MOST_COMPARED,
    ) -> None:
        self._database = database
        self._people = people
        self._cache = cache
        self._now = now
        self._most_compared = most_compared

    async def of_user(self, scope: TenantScope, customer_id: UUID) -> Preferences:
        """Preferences at every venue that the scope sees.

        Raises:
            CustomerNotFound: No venue that the scope sees knows them.
        """
        await self._people.require(scope, None, customer_id)
        return await self.told_by(scope, await self.bought(scope, None, customer_id))

    async def bought(self, scope: TenantScope, venue_id: UUID | None, customer_id: UUID) -> Bought:
        """What a customer whom the scope is known to see bought, at one venue or at all."""
        async with self._database.transaction(scope) as conn:
            return await select_purchases(conn, scope.tenant_id, customer_id, venue_id, _MOST_PURCHASES)

    async def told_by(self, scope: TenantScope, bought: Bought) -> Preferences:
        """What purchases tell. It may wait for whoever counts what is usual: outside of transactions."""
        baselines = await self._baselines(scope, {purchase.venue_id for purchase in bought.purchases})
        dimensions = taste(bought.purchases, baselines)
        return Preferences(dimensions, len(bought.purchases), bought.newest_fact_at)

    async def _baselines(self, scope: TenantScope, venue_ids: Collection[UUID]) -> dict[UUID, Baseline]:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(venue_id: UUID) -> Baseline:
            async with gate:
                return await self._baseline(scope, venue_id)

        ordered = sorted(venue_ids)
        return dict(zip(ordered, await asyncio.gather(*map(one, ordered)), strict=True))

    async def _baseline(self, scope: TenantScope, venue_id: UUID) -> Baseline:
        async def compute() -> bytes:
            since = self._now() - _COMPARED_SINCE
            async with self._database.transaction(scope) as conn:
                found = await select_baseline(conn, scope.tenant_id, venue_id, since, self._most_compared)
            return json.dumps([found.counts, found.cuts]).encode()

        namespace = f"{BASELINES.namespace}:{venue_id}"
        counts, cuts = json.loads(
            await self._cache.get_or_compute(namespace, "taste", BASELINES.ttl, compute)
        )
        return Baseline(counts, cuts)
