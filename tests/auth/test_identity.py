"""A service's own identity: short-lived tokens that say for whom it acts, and no more than that."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from libs.common.auth.tokens import TokenVerifier
from libs.common.context import TenantScope
from tests.rpc.world import NULL, TENANT, Keys


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path)


@pytest.fixture
def verifier(keys):
    return TokenVerifier.from_settings(keys.settings())


async def test_internal_token_says_service_tenant_permissions_and_venues(keys, verifier):
    venues = {uuid4(), uuid4()}

    caller = await verifier.verify(keys.identity().token(TENANT, ["analytics.read"], venues))

    assert (caller.actor, caller.subject) == ("metrics", "service:metrics")
    assert caller.scope == TenantScope(TENANT, frozenset(venues))
    assert caller.permissions == {"analytics.read"}


@pytest.mark.parametrize("grant", [None, frozenset(), frozenset({UUID(int=7)})])
async def test_token_for_a_caller_keeps_the_callers_name_and_limits(keys, verifier, grant):
    claims = {} if grant is None else {"venue_ids": [str(venue) for venue in grant]}
    user = await verifier.verify(keys.token(sub="ada", permissions=["analytics.read"], **claims))

    passed_on = await verifier.verify(keys.identity("reporting").token_for(user))

    assert (passed_on.subject, passed_on.actor) == ("ada", "reporting")
    assert passed_on.scope == user.scope == TenantScope(TENANT, grant)
    assert passed_on.permissions == user.permissions


def test_token_is_made_anew_for_another_tenant_or_grant_and_otherwise_kept(keys):
    identity = keys.identity()
    first = identity.token(TENANT, ["a", "b"])

    assert identity.token(TENANT, ["b", "a"]) == first
    assert identity.token(uuid4(), ["a", "b"]) != first
    assert identity.token(TENANT, ["a"]) != first
    assert identity.token(TENANT, ["a", "b"], []) != first


def test_token_with_less_than_half_its_life_left_is_made_anew(keys):
    identity = keys.identity()

    short = [identity.token(TENANT, [], ttl=timedelta(seconds=0)) for _ in range(2)]

    assert len(identity._remembered) == 1
    assert all(short)


def test_service_is_a_caller_for_its_own_work(keys):
    caller = keys.identity().caller(TenantScope(TENANT), ["analytics.ingest"])

    assert (caller.tenant_id, caller.actor) == (TENANT, "metrics")


@pytest.mark.parametrize("venue_ids", ["*", [7], ["not-a-uuid"], {}, NULL])
async def test_malformed_venue_grant_is_refused(keys, verifier, venue_ids):
    from libs.common.auth.errors import TokenInvalid

    with pytest.raises(TokenInvalid):
        await verifier.verify(keys.token(venue_ids=venue_ids))
