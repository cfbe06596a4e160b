"""Use case: a customer's profile, cached without who they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from tickettoken.customers.v1 import profile_pb2

from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import BASELINES, CUSTOMER_FACTS
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.lifetime.reader import LifetimeReader
from services.customers.namespaces import venue_namespace
from services.customers.people.reader import PeopleReader, Person
from services.customers.preferences.preferences import Tastes
from services.customers.profile.figures import Churn, ChurnSource, Figures
from services.customers.profile.mapping import completed, figures_message
from services.customers.profile.spread import Spread
from services.customers.profile.store import (
    plan_once,
    select_activities,
    select_own_segments,
    select_spread,
    select_totals,
)
from services.customers.rfm.reader import ScoreReader


@dataclass(frozen=True, slots=True)
class Readers:
    """Figures that other capabilities keep of customers; without `churn` a profile has none."""

    people: PeopleReader
    tastes: Tastes
    scores: ScoreReader
    values: LifetimeReader
    churn: ChurnSource | None = None


class Profiles:
    """Profiles of customers.

    What is cached holds no name, address, phone number or city: who the person is is read for each call and
    shown as that caller may see it. So are the tenant's own segments, which are made and deleted without any
    fact changing.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        cache: Keeps figures until a fact of the venue changes.
        readers: Figures of other capabilities.
        now: The clock.
    """

    def __init__(
        self,
        database: Database,
        venues: Venues,
        cache: Cache,
        readers: Readers,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._venues = venues
        self._cache = cache
        self._readers = readers
        self._now = now

    async def at_venue(
        self, scope: TenantScope, venue_id: UUID, customer_id: UUID, *, shows_pii: bool
    ) -> profile_pb2.CustomerProfile:
        """The customer as a venue knows them.

        Raises:
            VenueNotFound: The scope has no such venue.
            CustomerNotFound: The venue has no such customer.
        """
        await self._venues.require(scope, [venue_id])
        return await self._profile(scope, venue_id, customer_id, shows_pii=shows_pii)

    async def of_user(
        self, scope: TenantScope, customer_id: UUID, *, shows_pii: bool
    ) -> profile_pb2.CustomerProfile:
        """The customer over all venues that the scope sees.

        Raises:
            CustomerNotFound: No venue that the scope sees knows them.
        """
        return await self._profile(scope, None, customer_id, shows_pii=shows_pii)

    async def _profile(
        self, scope: TenantScope, venue_id: UUID | None, customer_id: UUID, *, shows_pii: bool
    ) -> profile_pb2.CustomerProfile:
        async with self._database.transaction(scope) as conn:
            person = await self._readers.people.require(scope, venue_id, customer_id)
            own_segments = await select_own_segments(conn, scope.tenant_id, customer_id, venue_id)

        async def compute() -> bytes:
            return figures_message(await self._figures(scope, venue_id, person)).SerializeToString()

        cached = await self._cache.get_or_compute(
            venue_namespace(venue_id), f"profile:{customer_id}", CUSTOMER_FACTS.ttl, compute
        )
        profile = completed(
            profile_pb2.CustomerProfile.FromString(cached), person, now=self._now(), shows_pii=shows_pii
        )
        profile.segments.extend(own_segments)
        return profile

    async def _figures(self, scope: TenantScope, venue_id: UUID | None, person: Person) -> Figures:
        """All readers share one transaction: each of their own would add two round trips.

        What is usual at the venue is asked for after it. It may wait for whoever is counting it, and nobody
        holds a connection while they wait for another one.
        """
        customer_id, readers = person.customer_id, self._readers
        asked = (scope.tenant_id, customer_id, venue_id)
        async with self._database.transaction(scope) as conn:
            await plan_once(conn)
            totals = await select_totals(conn, *asked)
            activities = await select_activities(conn, *asked)
            scores = await readers.scores.scores(scope, [customer_id], venue_id=venue_id)
            values = await readers.values.values(scope, [customer_id], venue_id=venue_id)
            churn: Mapping[UUID, Churn] = {}
            if readers.churn is not None:
                churn = await readers.churn.probabilities(scope, [customer_id], venue_id=venue_id)
            bought = await readers.tastes.bought(scope, venue_id, customer_id)
        return Figures(
            customer_id=customer_id,
            venue_id=venue_id,
            totals=totals,
            activities=activities,
            preferences=await readers.tastes.told_by(scope, bought),
            spread=None if venue_id is None else await self._spread(scope, venue_id),
            score=scores.get(customer_id),
            value=values.get(customer_id),
            churn=churn.get(customer_id),
        )

    async def _spread(self, scope: TenantScope, venue_id: UUID) -> Spread:
        async def compute() -> bytes:
            async with self._database.transaction(scope) as conn:
                return (await select_spread(conn, scope.tenant_id, venue_id)).to_bytes()

        namespace = f"{BASELINES.namespace}:{venue_id}"
        spread = await self._cache.get_or_compute(namespace, "spread", BASELINES.ttl, compute)
        return Spread.from_bytes(spread)
