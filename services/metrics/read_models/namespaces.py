"""Cache namespaces of answers that are made from the read models."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

TENANT_REVENUE: Final = "revenue"


def revenue_of(venue_id: UUID | None) -> str:
    """Revenue of one venue, or of the whole tenant."""
    return TENANT_REVENUE if venue_id is None else f"revenue:{venue_id}"


def capacity_of(venue_id: UUID) -> str:
    return f"capacity:{venue_id}"


def namespaces_of(venue_ids: Collection[UUID]) -> list[str]:
    """Everything that facts of these venues change."""
    by_venue = [name for venue_id in venue_ids for name in (revenue_of(venue_id), capacity_of(venue_id))]
    return [TENANT_REVENUE, *by_venue]
