"""Lifetime values for other capabilities, as the newest run left them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import prod
from typing import TypeVar
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.lifetime.reading_store import Basis, ReadingStore, StoredValue
from services.customers.models.entry import WHOLE_TENANT

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class LifetimeValue:
    """A customer's value in one currency.

    Attributes:
        currency: ISO 4217.
        historic_minor: Net spend up to the run.
        expected_minor: Spend to expect within the stored horizon; None on the basis "historic".
        low_minor: Lower end of the 80 % interval of that.
        high_minor: Its upper end.
        expected_purchases: Purchases to expect within the horizon, in all currencies.
        alive_probability: That the customer still buys.
        model: Of the purchases; several venues' own, joined by a plus sign, for a scope with a grant.
        basis: "model", or "historic" where no model serves.
        computed_at: When.
        purchase_count: Purchases that stood.
        newest_fact_at: Of the facts that it was made from.
    """

    currency: str
    historic_minor: int
    expected_minor: int | None
    low_minor: int | None
    high_minor: int | None
    expected_purchases: float | None
    alive_probability: float | None
    model: str | None
    basis: Basis
    computed_at: datetime
    purchase_count: int
    newest_fact_at: datetime


class LifetimeReader:
    """Reads values in bulk.

    Args:
        database: The service's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def values(
        self, scope: TenantScope, customer_ids: Collection[UUID], *, venue_id: UUID | None = None
    ) -> dict[UUID, LifetimeValue]:
        """The value of each customer in the currency of most purchases; those without one are left out."""
        every = await self.values_by_currency(scope, customer_ids, venue_id=venue_id)
        return {customer_id: values[0] for customer_id, values in every.items()}

    async def values_by_currency(
        self, scope: TenantScope, customer_ids: Collection[UUID], *, venue_id: UUID | None = None
    ) -> dict[UUID, list[LifetimeValue]]:
        """All values of each customer, the main currency first.

        Args:
            scope: Whose; what was made from all venues is not for a scope with a venue grant, which gets the
                sum over its venues instead, with an interval that is too wide rather than too narrow.
            customer_ids: At most a page of them.
            venue_id: Only what they are worth to this venue.
        """
        venue_ids: Iterable[UUID] = [WHOLE_TENANT] if venue_id is None else [venue_id]
        if venue_id is None and scope.venue_ids is not None:
            venue_ids = sorted(scope.venue_ids)
        async with self._database.transaction(scope) as conn:
            rows = await ReadingStore(conn, scope.tenant_id).values(list(venue_ids), customer_ids)
        by_customer: dict[UUID, list[StoredValue]] = defaultdict(list)
        for row in rows:
            by_customer[row.customer_id].append(row)
        return {customer_id: summed(own) for customer_id, own in by_customer.items()}


def summed(rows: Sequence[StoredValue]) -> list[LifetimeValue]:
    """Values of one customer at several venues added up by currency, that of most purchases first."""
    by_currency: dict[str, list[StoredValue]] = defaultdict(list)
    for row in rows:
        by_currency[row.currency].append(row)
    values = [_summed(currency, own) for currency, own in by_currency.items()]
    return sorted(values, key=lambda one: (-one.purchase_count, -one.historic_minor, one.currency))


def _summed(currency: str, rows: Sequence[StoredValue]) -> LifetimeValue:
    alive = [row.alive_probability for row in rows if row.alive_probability is not None]
    models = {row.model for row in rows if row.model is not None}
    expected = _total([row.expected_minor for row in rows])
    return LifetimeValue(
        currency=currency,
        historic_minor=sum(row.historic_minor for row in rows),
        expected_minor=expected,
        low_minor=_total([row.low_minor for row in rows]),
        high_minor=_total([row.high_minor for row in rows]),
        expected_purchases=_total([row.expected_purchases for row in rows]),
        alive_probability=1 - prod(1 - one for one in alive) if alive else None,
        model="+".join(sorted(models)) or None,
        basis="historic" if expected is None else "model",
        computed_at=min(row.computed_at for row in rows),
        purchase_count=sum(row.purchase_count for row in rows),
        newest_fact_at=max(row.newest_fact_at for row in rows),
    )


def _total(parts: Sequence[_Number | None]) -> _Number | None:
    """The sum; None where a part is unknown."""
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
