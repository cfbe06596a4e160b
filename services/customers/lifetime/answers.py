"""Use cases: what a customer is worth as it stands, on the terms of a request, and how values are spread."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.catalog.clocks import clock_of
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.errors import AnalyticsError, NotEnoughHistory
from libs.common.postgres.database import Database
from services.customers.errors import ModelNotFitted
from services.customers.lifetime.predicting import Asked, Prediction
from services.customers.lifetime.reading_store import ReadingStore, StoredRun, StoredValue
from services.customers.models.entry import ModelEntry, TrainedModel
from services.customers.models.refusals import refusal_of
from services.customers.models.registry import CLV_KINDS, ModelRegistry, places_of
from services.customers.people.reader import PeopleReader
from services.customers.purchases.reader import CurrencyTotals, PurchaseReader
from services.customers.purchases.rows import PurchaseRow, rows_in


@dataclass(frozen=True, slots=True)
class CustomerValue:
    """A customer at a venue: what they bought, as of now, and what the newest run says of them."""

    totals: Sequence[CurrencyTotals]
    stored: Sequence[StoredValue]
    run: StoredRun | None
    models: Sequence[TrainedModel]

    @property
    def serving(self) -> TrainedModel | None:
        """The model of purchases."""
        return next((one for one in self.models if _serves_purchases(one)), None)


@dataclass(frozen=True, slots=True)
class PredictedValue:
    """A prediction and what it was made from."""

    prediction: Prediction
    serving: TrainedModel
    newest_fact_at: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """What the newest run found of a place, and the models that it left there."""

    run: StoredRun
    models: Sequence[TrainedModel]


class LifetimeValues:
    """Lifetime values for callers.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        registry: Fitted models.
        people: Who the customers are.
        purchases: What they bought.
        now: The time, UTC.
    """

    def __init__(
        self,
        database: Database,
        venues: Venues,
        registry: ModelRegistry,
        people: PeopleReader,
        purchases: PurchaseReader,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._venues = venues
        self._registry = registry
        self._people = people
        self._purchases = purchases
        self._now = now

    async def value(self, scope: TenantScope, venue_id: UUID, customer_id: UUID) -> CustomerValue:
        """A customer's value to a venue.

        Raises:
            VenueNotFound: The scope has no such venue.
            CustomerNotFound: The customer has never dealt with it.
        """
        models = await self._registry.newest(scope, venue_id, CLV_KINDS)
        await self._people.require(scope, venue_id, customer_id)
        totals = await self._purchases.totals(scope, [customer_id], venue_id=venue_id)
        async with self._database.transaction(scope) as conn:
            store = ReadingStore(conn, scope.tenant_id)
            stored = await store.values([venue_id], [customer_id])
            runs = await store.runs([venue_id])
        return CustomerValue(totals.get(customer_id, []), stored, runs[0] if runs else None, models)

    async def predict(
        self,
        scope: TenantScope,
        venue_id: UUID,
        customer_id: UUID,
        asked: Asked,
    ) -> PredictedValue:
        """What to expect of a customer by the venue's serving models, from all purchases up to yesterday.

        Raises:
            VenueNotFound: The scope has no such venue.
            CustomerNotFound: The customer has never dealt with it.
            ModelNotFitted: No run has taken place.
            NotEnoughHistory: Too little is known of the venue's customers, or of this one.
            ModelNotIdentifiable: The data do not fix the parameters of any model.
        """
        clock = await clock_of(self._venues, scope, [venue_id])
        await self._people.require(scope, venue_id, customer_id)
        async with self._database.transaction(scope) as conn:
            rows = await rows_in(conn, scope.tenant_id, [customer_id], [venue_id])
            runs = await ReadingStore(conn, scope.tenant_id).runs([venue_id])
        models = await self._registry.newest(scope, venue_id, CLV_KINDS)
        serving = next((one for one in models if _serves_purchases(one)), None)
        if serving is None:
            raise _refusal(runs[0] if runs else None)
        entries = [one.entry for one in models if one.entry.is_serving]
        found = (
            await asyncio.to_thread(_predicted, rows, clock, self._now(), entries, asked) if rows else None
        )
        if found is None:
            raise NotEnoughHistory("the customer bought nothing up to yesterday")
        if all(account.expected_minor is None for account in found.accounts):
            raise _spend_refusal([one for one in models if one.entry.kind == "spend"])
        return PredictedValue(found, serving, max(row.newest_fact_at for row in rows))

    async def summaries(self, scope: TenantScope, venue_id: UUID | None) -> list[Summary]:
        """The venue's values, or the tenant's, or those of each granted venue; those without a run left out.

        Raises:
            VenueNotFound: The scope has no such venue.
        """
        wanted = await places_of(self._venues, scope, venue_id)
        by_place: dict[UUID, list[TrainedModel]] = defaultdict(list)
        for model in await self._registry.newest(scope, venue_id, CLV_KINDS):
            by_place[model.entry.venue_id].append(model)
        async with self._database.transaction(scope) as conn:
            runs = await ReadingStore(conn, scope.tenant_id).runs(wanted)
        return [Summary(run, by_place[run.venue_id]) for run in runs]


def _predicted(
    rows: Sequence[PurchaseRow], clock: ZoneInfo, as_of: datetime, models: Sequence[ModelEntry], asked: Asked
) -> Prediction | None:
    """Runs in a thread, as importing what calculates takes longer than the loop may wait."""
    from services.customers.lifetime.prediction import predicted

    return predicted(rows, clock, as_of, models, asked)


def _serves_purchases(model: TrainedModel) -> bool:
    return model.entry.kind == "purchases" and model.entry.is_serving


def _refusal(run: StoredRun | None) -> AnalyticsError:
    if run is None:
        return ModelNotFitted("no model has been fitted yet; the next nightly run does")
    return refusal_of(run.refusal, run.refusal_message)


def _spend_refusal(models: Sequence[TrainedModel]) -> AnalyticsError:
    """Of the currencies that the customer bought in, none has a model of spend."""
    refused = next((one.entry for one in models if one.entry.refusal is not None), None)
    if refused is None:
        return ModelNotFitted("spend in this currency has not been fitted yet; the next nightly run does")
    return refusal_of(refused.refusal, refused.refusal_message)
