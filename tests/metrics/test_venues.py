"""A venue belongs to the tenant that named it first; what is remembered is bounded and soon forgotten."""

import asyncio
from uuid import uuid4

import pytest

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.errors import VenueNotFound


async def register(database, venues, scope, *venue_ids):
    async with database.transaction(scope) as conn:
        return await venues.register(conn, scope, venue_ids)


async def test_the_first_tenant_to_name_a_venue_owns_it(database, venues):
    owner, other, venue = TenantScope(uuid4()), TenantScope(uuid4()), uuid4()

    assert await register(database, venues, owner, venue) == {venue}
    assert await register(database, venues, owner, venue) == {venue}
    assert await register(database, venues, other, venue) == frozenset()
    assert await register(database, Venues(database), other, venue) == frozenset()
    with pytest.raises(VenueNotFound):
        await venues.require(other, [venue])
    found = (await venues.require(owner, [venue]))[venue]
    assert (found.time_zone, found.currency) == ("UTC", None)


async def test_an_unknown_venue_is_not_found_and_not_made_by_looking(database, venues):
    scope, venue = TenantScope(uuid4()), uuid4()

    assert await venues.known(scope, [venue]) == {}
    with pytest.raises(VenueNotFound):
        await venues.require(scope, [venue])


async def test_a_venue_outside_the_grant_is_not_found_even_when_remembered(database, venues):
    tenant, granted, other = uuid4(), uuid4(), uuid4()
    whole, limited = TenantScope(tenant), TenantScope(tenant, frozenset({granted}))
    await register(database, venues, whole, granted, other)
    await venues.require(whole, [granted, other])

    assert set(await venues.known(limited, [granted, other])) == {granted}
    assert await register(database, venues, limited, granted, other) == {granted}
    with pytest.raises(VenueNotFound):
        await venues.require(limited, [other])


async def test_an_unknown_venue_outside_the_grant_is_not_registered(database, venues):
    tenant, venue = uuid4(), uuid4()

    owned = await register(database, venues, TenantScope(tenant, frozenset({uuid4()})), venue)

    assert owned == frozenset()
    assert await register(database, venues, TenantScope(uuid4()), venue) == {venue}


async def test_tenants_that_name_one_venue_at_once_agree_on_its_owner(database):
    venue = uuid4()
    scopes = [TenantScope(uuid4()) for _ in range(6)]

    answers = await asyncio.gather(
        *(register(database, Venues(database), scope, venue, uuid4()) for scope in scopes)
    )

    assert sum(venue in owned for owned in answers) == 1


async def test_a_rolled_back_registration_leaves_no_trace(database, venues):
    scope, venue = TenantScope(uuid4()), uuid4()
    with pytest.raises(RuntimeError, match="changed my mind"):
        async with database.transaction(scope) as conn:
            await venues.register(conn, scope, [venue])
            raise RuntimeError("changed my mind")

    assert await venues.known(scope, [venue]) == {}


async def test_what_is_remembered_ages_and_is_forgotten_when_told(database, as_admin):
    now = 0.0
    venues = Venues(database, max_age_seconds=5, clock=lambda: now)
    scope, venue = TenantScope(uuid4()), uuid4()
    await register(database, venues, scope, venue)

    async def zone_after(zone):
        await as_admin.execute("update venues set time_zone = $1 where venue_id = $2", zone, venue)
        return (await venues.require(scope, [venue]))[venue].time_zone

    await venues.require(scope, [venue])
    assert await zone_after("Europe/Paris") == "UTC"
    now = 5.1
    assert await zone_after("Europe/Rome") == "Europe/Rome"
    venues.forget(scope.tenant_id, [venue])
    assert await zone_after("Europe/Oslo") == "Europe/Oslo"


async def test_no_more_venues_are_remembered_than_allowed(database, as_admin):
    venues = Venues(database, max_entries=2)
    scope = TenantScope(uuid4())
    first, second, third = (uuid4() for _ in range(3))
    await register(database, venues, scope, first, second, third)
    for venue in (first, second, third):
        await venues.require(scope, [venue])

    await as_admin.execute(
        "update venues set time_zone = 'Europe/Rome' where tenant_id = $1", scope.tenant_id
    )

    zones = [(await venues.known(scope, [venue]))[venue].time_zone for venue in (third, second, first)]
    assert zones == ["UTC", "UTC", "Europe/Rome"]
