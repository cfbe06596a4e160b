"""What a profile is made of, apart from who the person is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from libs.common.context import TenantScope
from services.customers.lifetime.reader import LifetimeValue
from services.customers.preferences.preferences import Preferences
from services.customers.profile.spread import Spread
from services.customers.profile.store import Activity, Totals
from services.customers.rfm.reader import StoredScore


class Churn(Protocol):
    """Probability that a customer buys nothing within a horizon, and whose opinion that is."""

    @property
    def probability(self) -> float: ...
    @property
    def horizon_days(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def computed_at(self) -> datetime: ...


class ChurnSource(Protocol):
    """Whoever foretells churn."""

    async def probabilities(
        self, scope: TenantScope, customer_ids: Collection[UUID], *, venue_id: UUID | None = None
    ) -> Mapping[UUID, Churn]:
        """The probability of each of the customers who have one."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A customer's figures at a venue (or over all that the caller sees, where `venue_id` is None)."""

    customer_id: UUID
    venue_id: UUID | None
    totals: Sequence[Totals]
    activities: Sequence[Activity]
    preferences: Preferences
    spread: Spread | None
    score: StoredScore | None
    value: LifetimeValue | None
    churn: Churn | None

    @property
    def as_of(self) -> datetime | None:
        """Time of the newest fact."""
        bought = [one.newest_fact_at for one in self.totals]
        return max(bought + [one.newest_fact_at for one in self.activities], default=None)

    @property
    def first_purchase_at(self) -> datetime | None:
        return min((one.first_purchase_at for one in self.totals if one.first_purchase_at), default=None)

    @property
    def last_purchase_at(self) -> datetime | None:
        return max((one.last_purchase_at for one in self.totals if one.last_purchase_at), default=None)
