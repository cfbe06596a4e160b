"""What the metrics service asks the customers service for."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from libs.common.buckets import Window
from libs.common.context import TenantScope
from libs.common.errors import DependencyUnavailable


@dataclass(frozen=True, slots=True)
class CustomerCounts:
    """Customers with an order in a window; new ones had none before, returning ones had."""

    active_count: int
    new_count: int
    returning_count: int


class CustomerFigures(Protocol):
    """Figures of customers, wherever they come from."""

    async def of(self, scope: TenantScope, window: Window, venue_id: UUID | None) -> CustomerCounts:
        """Customers of one venue, or of every venue of the scope.

        Raises:
            DependencyUnavailable: The customers service does not answer.
        """


class NotDeployed:
    """The customers service of a deployment that has none."""

    async def of(self, scope: TenantScope, window: Window, venue_id: UUID | None) -> CustomerCounts:
        """Refuse.

        Raises:
            DependencyUnavailable: Always.
        """
        raise DependencyUnavailable("this deployment has no customers service", dependency="customers")


def customer_figures(target: str | None) -> CustomerFigures:
    """Figures of the customers service at a gRPC target; without one, none can be had.

    Raises:
        ValueError: A target is set: this release has no client of the customers service, and would ignore it.
    """
    if target is not None:
        raise ValueError("METRICS_CUSTOMERS_TARGET is set, but this release has no client of that service")
    return NotDeployed()
