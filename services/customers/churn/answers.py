"""Use case: whether a customer will buy again, as the run left it or for the horizon that was asked for."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.catalog.clocks import clock_of
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.churn.options import ChurnOptions
from services.customers.churn.predicted import Known, PredictedChurn, as_stored, foretold
from services.customers.churn.reading_store import ReadingStore
from services.customers.models.refusals import refusal_of_all
from services.customers.models.registry import ModelRegistry
from services.customers.people.reader import PeopleReader
from services.customers.purchases.rows import rows_in


class ChurnAnswers:
    """Churn for callers.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        registry: Fitted models.
        people: Who the customers are.
        options: Settings.
        now: The time, UTC.
    """

    def __init__(
        self,
        database: Database,
        venues: Venues,
        registry: ModelRegistry,
        people: PeopleReader,
        options: ChurnOptions,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._venues = venues
        self._registry = registry
        self._people = people
        self._options = options
        self._now = now

    async def predict(
        self, scope: TenantScope, venue_id: UUID, customer_id: UUID, horizon_days: int | None
    ) -> PredictedChurn:
        """The probability that a customer buys nothing at a venue within a horizon.

        Args:
            scope: Whose.
            venue_id: The venue.
            customer_id: The customer.
            horizon_days: Days ahead; None: as far as the run looks.

        Raises:
            VenueNotFound: The scope has no such venue.
            CustomerNotFound: The customer has never dealt with it.
            ModelNotFitted: No run has taken place.
            NotEnoughHistory: Too little is known of the venue's customers, or of this one.
            ModelNotIdentifiable: The data do not fix the parameters of any model.
        """
        clock = await clock_of(self._venues, scope, [venue_id])
        async with self._database.transaction(scope) as conn:
            await self._people.require(scope, venue_id, customer_id)
            store = ReadingStore(conn, scope.tenant_id)
            stored = await store.stored([venue_id], [customer_id])
            known = Known(
                venue_id,
                customer_id,
                await rows_in(conn, scope.tenant_id, [customer_id], [venue_id]),
                stored[0] if stored else None,
                await self._registry.newest(scope, venue_id, ("churn", "purchases")),
                await store.horizon([venue_id]) or self._options.horizon_days,
            )
        horizon_days = horizon_days or known.stored_horizon_days
        if known.stored is not None and known.stored.horizon_days == horizon_days:
            serving = known.named(known.stored.model)
            if serving is not None:
                return as_stored(known, known.stored, serving)
        return await self._live(known, clock, horizon_days)

    async def _live(self, known: Known, clock: ZoneInfo, horizon_days: int) -> PredictedChurn:
        purchases = [one for one in known.models if one.entry.kind == "purchases"]
        serving = next((one for one in purchases if one.entry.is_serving), None)
        if serving is None:
            raise refusal_of_all(purchases)
        now = self._now()
        return await asyncio.to_thread(foretold, known, serving, clock, now, horizon_days)
