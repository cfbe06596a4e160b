"""Use case: fit a tenant's models anew and value all of its customers, whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from libs.common.cache.cache import Cache
from libs.common.postgres.database import Connection, Database
from services.customers.lifetime.store import PlaceRun, RunStore
from services.customers.models.outcome import RunReport
from services.customers.models.runs import ModelRuns
from services.customers.settings import CustomersSettings

LifetimeReport = RunReport[PlaceRun]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Settings of a run.

    Attributes:
        horizon_days: How far stored values look ahead.
        least_repeaters: Customers who bought again, without whom a venue is served by the tenant's fit.
    """

    horizon_days: int = 365
    least_repeaters: int = 500

    @classmethod
    def of(cls, settings: CustomersSettings) -> "RunOptions":
        """As the service is set."""
        return cls(settings.lifetime_horizon_days, settings.lifetime_least_repeaters)


class LifetimeRuns(ModelRuns[PlaceRun]):
    """Runs over whole tenants.

    Args:
        database: The service's database.
        cache: Answers that a run makes old.
        options: Settings.
    """

    module = "services.customers.lifetime.worker"
    outcome = "lifetime values were computed"

    def __init__(self, database: Database, cache: Cache, options: RunOptions) -> None:
        super().__init__(database, cache)
        self._options = options

    async def _question(
        self, _conn: Connection, _tenant_id: UUID, _venue_ids: Sequence[UUID]
    ) -> Mapping[str, Any]:
        return asdict(self._options)

    def _place(self, sent: Mapping[str, Any]) -> PlaceRun:
        return PlaceRun(
            venue_id=UUID(sent["venue_id"]),
            first_day=date.fromisoformat(sent["first_day"]),
            last_day=date.fromisoformat(sent["last_day"]),
            purchase_count=sent["purchase_count"],
            customer_count=sent["customer_count"],
            repeater_count=sent["repeater_count"],
            refusal=sent["refusal"],
            refusal_message=sent["refusal_message"],
            figures=sent["figures"],
            newest_fact_at=_EPOCH + timedelta(microseconds=sent["newest_us"]),
        )

    def _store(self, conn: Connection, tenant_id: UUID) -> RunStore:
        return RunStore(conn, tenant_id, **asdict(self._options))
