"""What the metrics service asks the customers service for."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID

import grpc

from libs.common.auth.identity import IdentityIssuer
from libs.common.buckets import Window
from libs.common.context import TenantScope
from libs.common.errors import DependencyTimedOut, DependencyUnavailable
from libs.common.moments import interval_of
from libs.common.rpc import channel
from services.metrics.settings import MetricsSettings

_WAIT_SECONDS: Final = 3.0
"""A page is told without customers rather than late; their counts take well under a second."""


@dataclass(frozen=True, slots=True)
class CustomerCounts:
    """Customers with an order in a window; new ones had none before, returning ones had."""

    active_count: int
    new_count: int
    returning_count: int
    as_of: datetime | None = None


class CustomerFigures(Protocol):
    """Figures of customers, wherever they come from."""

    async def of(self, scope: TenantScope, window: Window, venue_id: UUID | None) -> CustomerCounts:
        """Customers of one venue, or of every venue of the scope.

        Raises:
            DependencyTimedOut: The customers service does not answer in time.
            DependencyUnavailable: The customers service does not answer, or does not know the venue yet.
        """

    async def close(self) -> None:
        """Give up what the figures are asked over."""


class NotDeployed:
    """The customers service of a deployment that has none."""

    async def of(self, scope: TenantScope, window: Window, venue_id: UUID | None) -> CustomerCounts:
        """Refuse.

        Raises:
            DependencyUnavailable: Always.
        """
        raise DependencyUnavailable("this deployment has no customers service", dependency="customers")

    async def close(self) -> None: ...


class CustomersService:
    """The customers service over gRPC; it is asked in the name of the caller of the moment.

    Args:
        connection: A channel to it, which adds deadline, token and trace.
    """

    def __init__(self, connection: grpc.aio.Channel) -> None:
        from tickettoken.customers.v1 import customer_analytics_service_pb2_grpc

        self._connection = connection
        self._stub = customer_analytics_service_pb2_grpc.CustomerAnalyticsServiceStub(connection)

    async def of(self, scope: TenantScope, window: Window, venue_id: UUID | None) -> CustomerCounts:
        """Ask. The caller's token says whose customers; `scope` is that caller's."""
        from tickettoken.customers.v1 import counts_pb2

        asked = counts_pb2.GetCustomerCountsRequest(
            window=interval_of(window), venue_id="" if venue_id is None else str(venue_id)
        )
        try:
            counts = await self._stub.GetCustomerCounts(asked, timeout=_WAIT_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise _refusal(error) from error
        return CustomerCounts(
            active_count=counts.active_count,
            new_count=counts.new_count,
            returning_count=counts.returning_count,
            as_of=counts.as_of.ToDatetime(tzinfo=UTC) if counts.HasField("as_of") else None,
        )

    async def close(self) -> None:
        await self._connection.close()


def customer_figures(settings: MetricsSettings) -> CustomerFigures:
    """Figures of the customers service at the settings' target; without one, none can be had."""
    if settings.customers_target is None:
        return NotDeployed()
    # Registers the service that is called.
    from tickettoken.customers.v1 import customer_analytics_service_pb2

    services = customer_analytics_service_pb2.DESCRIPTOR.services_by_name.values()
    identity = IdentityIssuer("metrics", settings.identity_key_path, settings.jwt_audience)
    return CustomersService(
        channel.connect(
            settings.customers_target,
            settings=settings,
            identity=identity,
            services=[service.full_name for service in services],
        )
    )


def _refusal(error: grpc.aio.AioRpcError) -> DependencyTimedOut | DependencyUnavailable:
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DependencyTimedOut("the customers service does not answer in time", dependency="customers")
    return DependencyUnavailable("the customers service does not answer", dependency="customers")
