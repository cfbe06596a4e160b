"""What follows scores in their own transaction, told to whoever writes them."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from libs.common.postgres.database import Connection


class FollowsScores(Protocol):
    """Keeps something current that is made from scores."""

    async def everyone(self, conn: Connection, tenant_id: UUID, venue_id: UUID) -> None:
        """All scores of a place were written."""

    async def some(
        self, conn: Connection, tenant_id: UUID, venue_id: UUID, customer_ids: Collection[UUID]
    ) -> None:
        """Scores of these people at a place were written, or their own data changed."""
