"""Use case: look people up, as far as the caller may see them."""

from collections.abc import Collection
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.errors import CustomerNotFound
from services.customers.people.store import PeopleStore, Person

__all__ = ("PeopleReader", "Person")


class PeopleReader:
    """People who have dealt with a venue that the caller sees.

    Args:
        database: The service's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def people(
        self, scope: TenantScope, customer_ids: Collection[UUID], *, venue_id: UUID | None = None
    ) -> dict[UUID, Person]:
        """Those of the given people who have dealt with the venue; None: with any the caller sees.

        A caller without a venue grant sees everyone of the tenant, also who only registered.
        """
        if not customer_ids:
            return {}
        async with self._database.transaction(scope) as conn:
            store = PeopleStore(conn, scope.tenant_id)
            sees_everyone = venue_id is None and scope.venue_ids is None
            seen = set(customer_ids) if sees_everyone else await store.seen(customer_ids, venue_id)
            return await store.people(sorted(seen))

    async def require(self, scope: TenantScope, venue_id: UUID | None, customer_id: UUID) -> Person:
        """One person.

        Raises:
            CustomerNotFound: They have not dealt with the venue, or with any the caller sees.
        """
        found = await self.people(scope, [customer_id], venue_id=venue_id)
        if customer_id not in found:
            raise CustomerNotFound("no such customer", customer_id=customer_id)
        return found[customer_id]
