"""Use case: the models of a tenant, kept with the figures that chose them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.customers.models.entry import WHOLE_TENANT, Kind, ModelEntry, TrainedModel
from services.customers.models.store import ModelStore

CLV_KINDS: Sequence[Kind] = ("purchases", "spend")
CHURN_KINDS: Sequence[Kind] = ("churn",)


async def register(
    conn: Connection, tenant_id: UUID, entries: Sequence[ModelEntry], trained_at: datetime
) -> None:
    """Keep the candidates of a training within its transaction.

    Args:
        conn: The tenant's open transaction, in which what the models say is written as well.
        tenant_id: The tenant.
        entries: All candidates; of each venue, kind and currency one serves at most.
        trained_at: When, UTC; the newest training serves.
    """
    await ModelStore(conn, tenant_id).put(entries, trained_at)


async def newest_in(
    conn: Connection, tenant_id: UUID, venue_ids: Collection[UUID], kinds: Sequence[Kind]
) -> list[TrainedModel]:
    """`ModelRegistry.newest` of several places within an open transaction."""
    return await ModelStore(conn, tenant_id).newest(venue_ids, kinds)


class ModelRegistry:
    """Reads the newest training."""

    def __init__(self, database: Database, venues: Venues) -> None:
        self._database = database
        self._venues = venues

    async def newest(
        self, scope: TenantScope, venue_id: UUID | None, kinds: Sequence[Kind]
    ) -> list[TrainedModel]:
        """Candidates of a venue, or of the tenant; without either of those, of each venue of the grant.

        Args:
            scope: Whose.
            venue_id: One venue; None: the tenant, or every granted venue where the scope has a grant.
            kinds: What they foretell.

        Raises:
            VenueNotFound: The scope has no such venue.
        """
        wanted = await places_of(self._venues, scope, venue_id)
        async with self._database.transaction(scope) as conn:
            return await ModelStore(conn, scope.tenant_id).newest(wanted, kinds)


async def places_of(venues: Venues, scope: TenantScope, venue_id: UUID | None) -> list[UUID]:
    """Under which venue ids answers are stored that are about a venue, or about all that the scope may see.

    What was made from all venues tells about each of them: a caller with a grant gets the granted ones.

    Raises:
        VenueNotFound: The scope has no such venue.
    """
    if venue_id is not None:
        await venues.require(scope, [venue_id])
        return [venue_id]
    if scope.venue_ids is None:
        return [WHOLE_TENANT]
    return sorted(scope.venue_ids)
