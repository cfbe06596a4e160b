"""Use cases: add to a counter, read a counter."""

from uuid import UUID

from tickettoken.metrics.v1 import counters_pb2

from libs.common.catalog.venues import Venues
from libs.common.context import Caller, TenantScope
from libs.common.errors import VenueNotFound
from libs.common.postgres.database import Database
from libs.common.rpc.claims import Claim
from services.metrics.counters.commits import CounterCommits
from services.metrics.counters.increments import Counter, CounterKey, Increment
from services.metrics.counters.mapping import incremented_message
from services.metrics.counters.store import read_counter


class Counters:
    """Counters of tenants' venues. PostgreSQL is their only home: there is nothing to lose or to rebuild."""

    def __init__(self, database: Database, venues: Venues, commits: CounterCommits) -> None:
        self._database = database
        self._venues = venues
        self._commits = commits

    async def increment(
        self, caller: Caller, claim: Claim | None, key: CounterKey, amount: int
    ) -> counters_pb2.IncrementCounterResponse:
        """The counter with the amount added, once it is durable.

        A venue that no tenant has named before is registered, as by a recorded metric; 0 makes neither it nor
        the counter.

        Raises:
            VenueNotFound: The venue is another tenant's, outside the grant, or unknown while the amount is 0.
            CounterOverflow: The sum would leave 32 bits; nothing was added.
            AnalyticsError: The idempotency key is in use, too many increments wait, or the database refused.
        """
        if amount:
            await self._register(caller.scope, key.venue_id)
        else:
            await self._venues.require(caller.scope, [key.venue_id])
        increment = Increment(
            tenant_id=caller.tenant_id,
            key=key,
            amount=amount,
            claim=claim,
            respond=lambda counter: incremented_message(key, counter),
            replay=counters_pb2.IncrementCounterResponse.FromString,
        )
        response = await self._commits.submit(increment)
        assert isinstance(response, counters_pb2.IncrementCounterResponse)
        return response

    async def read(self, scope: TenantScope, key: CounterKey) -> Counter:
        """The counter with all increments that were answered before.

        Raises:
            VenueNotFound: The scope has no such venue.
        """
        await self._venues.require(scope, [key.venue_id])
        async with self._database.transaction(scope) as conn:
            return await read_counter(conn, scope.tenant_id, key)

    async def _register(self, scope: TenantScope, venue_id: UUID) -> None:
        """Make the venue this tenant's unless it is already.

        In a transaction of its own, so that a group of increments never fails by another caller's venue; a
        venue without facts is harmless.
        """
        if await self._venues.known(scope, [venue_id]):
            return
        async with self._database.transaction(scope) as conn:
            owned = await self._venues.register(conn, scope, [venue_id])
        if not owned:
            raise VenueNotFound("no such venue", venue_id=venue_id)
