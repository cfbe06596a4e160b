"""Use case: resales beside their face value, for other capabilities' answers."""

from collections.abc import Collection
from uuid import UUID

from libs.common.buckets import Window
from libs.common.postgres.database import Connection
from services.metrics.marketplace.resale_store import ResaleRatio, ShowMarket, select_by_show, select_ratios

__all__ = ("MarketplaceReader", "ResaleRatio", "ShowMarket")


class MarketplaceReader:
    """Resales of tenants, read inside the caller's transaction; its venue grant limits the answers."""

    async def by_show_in(
        self, conn: Connection, tenant_id: UUID, event_ids: Collection[UUID]
    ) -> dict[UUID, ShowMarket]:
        """All resales of these shows; shows without one are left out."""
        return await select_by_show(conn, tenant_id, event_ids)

    async def ratios_in(
        self,
        conn: Connection,
        tenant_id: UUID,
        window: Window,
        *,
        venue_ids: Collection[UUID] = (),
        event_ids: Collection[UUID] = (),
        by_venue: bool = False,
        by_event: bool = False,
        limit: int,
    ) -> list[ResaleRatio]:
        """Resales within the window, by venue and show where asked for; what has none is left out.

        Args:
            conn: A transaction of the tenant.
            tenant_id: The tenant.
            window: When they were resold.
            venue_ids: Only these venues; empty: all.
            event_ids: Only these shows; empty: all.
            by_venue: Whether to tell venues apart.
            by_event: Whether to tell shows apart.
            limit: Most rows.
        """
        return await select_ratios(
            conn,
            tenant_id,
            window,
            venue_ids=venue_ids,
            event_ids=event_ids,
            by_venue=by_venue,
            by_event=by_event,
            limit=limit,
        )
