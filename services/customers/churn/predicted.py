"""What is foretold of one customer, and what it was made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.errors import NotEnoughHistory
from services.customers.churn.chances import local_days
from services.customers.churn.reading_store import Driver, StoredChurn
from services.customers.models.entry import TrainedModel
from services.customers.purchases.rows import PurchaseRow


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
class Known:
    """What is known of a customer at a venue when a question comes."""

    venue_id: UUID
    customer_id: UUID
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


def as_stored(known: Known, stored: StoredChurn, serving: TrainedModel) -> PredictedChurn:
    """What the newest run left."""
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


def foretold(
    known: Known, serving: TrainedModel, clock: ZoneInfo, now: datetime, horizon_days: int
) -> PredictedChurn:
    """What the serving model of purchases says now.

    Call it in a thread: importing what calculates takes longer than the loop may wait.

    Raises:
        NotEnoughHistory: The customer bought nothing up to yesterday.
    """
    from services.customers.churn.drivers import Usual
    from services.customers.churn.silence import Terms, drivers_of, silences
    from services.customers.lifetime.purchases import last_whole_day

    end = last_whole_day(now, clock)
    days = {known.customer_id: local_days(known.bought, {known.venue_id: clock})}
    terms = Terms(serving.entry, end.toordinal(), horizon_days)
    silence = silences(days, terms).get(known.customer_id)
    if silence is None:
        raise NotEnoughHistory("the customer bought nothing up to yesterday")
    tried = known.named(serving.entry.name)
    usual = tried.entry.usual if tried is not None else {}
    return PredictedChurn(
        probability=silence.probability,
        horizon_days=horizon_days,
        basis="live",
        serving=serving,
        tried=tried,
        drivers=drivers_of(days[known.customer_id], terms, Usual.read(usual)) if usual else (),
        usual_gap_days=silence.usual_gap_days,
        has_missed_usual_show=silence.has_missed_usual_show,
        stored_horizon_days=known.stored_horizon_days,
        last_day=end,
        last_purchase_at=known.last_purchase_at,
        computed_at=now,
        newest_fact_at=max(row.newest_fact_at for row in known.bought),
    )
