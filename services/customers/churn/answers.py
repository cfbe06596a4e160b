"""Use case: whether a customer will buy again, as the run left it or for the horizon that was asked for."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.catalog.clocks import clock_of
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.errors import NotEnoughHistory
from libs.common.postgres.database import Database
from services.customers.churn.chances import local_days
from services.customers.churn.options import ChurnOptions
from services.customers.churn.reading_store import Driver, ReadingStore, StoredChurn
from services.customers.models.entry import TrainedModel
from services.customers.models.refusals import refusal_of_all
from services.customers.models.registry import ModelRegistry
from services.customers.people.reader import PeopleReader
from services.customers.purchases.rows import PurchaseRow, rows_in


@dataclass(frozen=True, slots=True)
class PredictedChurn:
    """A probability, and what it was made from.

    Attributes:
        basis: "stored" by the newest run, or computed "live" by the model of purchases.
        serving: The model that answers.
        tried: The same model among the run's candidates, with its figures on held-out time; None: it was not.
        stored_horizon_days: How far the run looks ahead.
        last_day: Of the history that the answer is made from.
        last_purchase_at: As of now.
    """

    probability: float
    horizon_days: int
    basis: Literal["stored", "live"]
    serving: TrainedModel
    tried: TrainedModel | None
    drivers: Sequence[Driver]
    usual_gap_days: float | None
    has_missed_usual_show: bool | None
    stored_horizon_days: int
    last_day: date
    last_purchase_at: datetime | None
    computed_at: datetime
    newest_fact_at: datetime


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a customer at a venue when a question comes."""

    bought: Sequence[PurchaseRow]
    stored: StoredChurn | None
    models: Sequence[TrainedModel]
    stored_horizon_days: int

    def named(self, name: str) -> TrainedModel | None:
        """A candidate of the run."""
        own = (one for one in self.models if one.entry.kind == "churn" and one.entry.name == name)
        return next(own, None)

    @property
    def last_purchase_at(self) -> datetime | None:
        return max((row.sold_at for row in self.bought if row.order_count), default=None)


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
            known = _Known(
                await rows_in(conn, scope.tenant_id, [customer_id], [venue_id]),
                stored[0] if stored else None,
                await self._registry.newest(scope, venue_id, ("churn", "purchases")),
                await store.horizon([venue_id]) or self._options.horizon_days,
            )
        horizon_days = horizon_days or known.stored_horizon_days
        if known.stored is not None and known.stored.horizon_days == horizon_days:
            serving = known.named(known.stored.model)
            if serving is not None:
                return _stored(known, known.stored, serving)
        return await self._live(known, clock, horizon_days)

    async def _live(self, known: _Known, clock: ZoneInfo, horizon_days: int) -> PredictedChurn:
        purchases = [one for one in known.models if one.entry.kind == "purchases"]
        serving = next((one for one in purchases if one.entry.is_serving), None)
        if serving is None:
            raise refusal_of_all(purchases)
        now = self._now()
        return await asyncio.to_thread(_foretold, known, serving, clock, now, horizon_days)


def _stored(known: _Known, stored: StoredChurn, serving: TrainedModel) -> PredictedChurn:
    return PredictedChurn(
        probability=stored.probability,
        horizon_days=stored.horizon_days,
        basis="stored",
        serving=serving,
        tried=serving,
        drivers=stored.drivers,
        usual_gap_days=stored.usual_gap_days,
        has_missed_usual_show=stored.has_missed_usual_show,
        stored_horizon_days=known.stored_horizon_days,
        last_day=serving.entry.last_day,
        last_purchase_at=known.last_purchase_at,
        computed_at=stored.computed_at,
        newest_fact_at=max([stored.newest_fact_at, *(row.newest_fact_at for row in known.bought)]),
    )


def _foretold(
    known: _Known, serving: TrainedModel, clock: ZoneInfo, now: datetime, horizon_days: int
) -> PredictedChurn:
    """Runs in a thread, as importing what calculates takes longer than the loop may wait."""
    from services.customers.churn.silence import silences
    from services.customers.lifetime.purchases import last_whole_day

    end = last_whole_day(now, clock)
    days = {row.customer_id: local_days(known.bought, {row.venue_id: clock}) for row in known.bought[:1]}
    found = silences(days, end=end.toordinal(), entry=serving.entry, horizon_days=horizon_days)
    if not found:
        raise NotEnoughHistory("the customer bought nothing up to yesterday")
    (silence,) = found.values()
    return PredictedChurn(
        probability=silence.probability,
        horizon_days=horizon_days,
        basis="live",
        serving=serving,
        tried=known.named(serving.entry.name),
        drivers=(),
        usual_gap_days=silence.usual_gap_days,
        has_missed_usual_show=silence.has_missed_usual_show,
        stored_horizon_days=known.stored_horizon_days,
        last_day=end,
        last_purchase_at=known.last_purchase_at,
        computed_at=now,
        newest_fact_at=max(row.newest_fact_at for row in known.bought),
    )
