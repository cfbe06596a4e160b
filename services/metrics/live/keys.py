"""Names of live metrics."""

from typing import NamedTuple
from uuid import UUID


class LiveKey(NamedTuple):
    """A live metric of one tenant: ordered, so that writers lock them in one order.

    `currency` is an ISO 4217 code for money counted by the platform's own sales, else empty.
    """

    venue_id: UUID
    metric_type: str
    currency: str = ""
