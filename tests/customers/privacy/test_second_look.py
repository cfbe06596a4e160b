"""An erasure's work: steps that may be repeated, a second look, and nothing left that tells who it was."""

from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import pytest

from libs.common.bus.consumer import service_caller
from libs.common.cache.lifetimes import LONGEST
from libs.common.context import TenantScope, acting_as
from libs.common.errors import DependencyUnavailable
from libs.common.postgres.maintenance import refresh
from libs.common.redis import connect
from libs.common.sealing import Seal
from services.customers.privacy.cached_answers import forget_answers
from services.customers.privacy.cleaning import Cleaning
from services.customers.privacy.documents import PersonalDocuments
from services.customers.privacy.erasing import Erasing, Secrets
from services.customers.privacy.working import VIEWS

SEAL = Seal(b"e" * 32)


@pytest.fixture
def cleaning_with(database, worker_database, mongo, cache, redis):
    def made(redis=redis):
        async def views():
            for view in VIEWS:
                await refresh(worker_database, view)

        return Cleaning(
            database,
            SEAL,
            views=views,
            documents=PersonalDocuments(mongo).forget,
            answers=partial(forget_answers, cache, redis, "customers"),
        )

    return made


@pytest.fixture
def erasing(database, tombstones, mongo):
    secrets = Secrets(tombstones, SEAL, b"a" * 32)
    return Erasing(database, secrets, ("customers", "metrics"), PersonalDocuments(mongo).name)


async def known(as_admin, tenant, person):
    await as_admin.execute(
        "insert into customers (tenant_id, customer_id, name) values ($1, $2, 'Ada')", tenant, person
    )


async def begun(erasing, tenant, person):
    return await erasing.begin(service_caller("customers", tenant), person, "customer_request")


async def parts(erasing, tenant, erasure_id):
    erasure = await erasing.get(TenantScope(tenant), erasure_id)
    return {part.service: (dict(part.touched), part.confirmed_at is not None) for part in erasure.parts}


async def test_a_run_that_read_the_person_before_is_cleaned_up_after(
    erasing, cleaning_with, as_admin, database
):
    tenant, person, cleaning = uuid4(), uuid4(), cleaning_with()
    scope = TenantScope(tenant)
    await known(as_admin, tenant, person)
    with acting_as(service_caller("customers", tenant)):
        erasure = await begun(erasing, tenant, person)
        await cleaning.first(scope, erasure.erasure_id)
        await as_admin.execute(
            "insert into rfm_pending (tenant_id, venue_id, customer_id, marked_at)"
            " values ($1, $2, $3, now())",
            tenant,
            uuid4(),
            person,
        )

        await cleaning.second(scope, erasure.erasure_id)

    pending = await as_admin.fetchval("select customer_id from rfm_pending where tenant_id = $1", tenant)
    assert pending == erasure.pseudonym
    sealed = "select sealed_customer from erasures where tenant_id = $1"
    assert await as_admin.fetchval(sealed, tenant) is None


async def test_the_second_look_is_asked_for_with_the_first(erasing, cleaning_with, as_admin):
    tenant, person = uuid4(), uuid4()
    await known(as_admin, tenant, person)
    with acting_as(service_caller("customers", tenant)):
        erasure = await begun(erasing, tenant, person)
        await cleaning_with().first(TenantScope(tenant), erasure.erasure_id)

    runs = await as_admin.fetch(
        "select job, arguments::text as told, claimable_at from job_runs where tenant_id = $1 order by job",
        tenant,
    )
    assert [run["job"] for run in runs] == ["privacy.erase", "privacy.erase-again"]
    assert not any(str(person) in run["told"] for run in runs)
    assert runs[1]["claimable_at"] > datetime.now(UTC)


async def test_what_fails_half_way_is_repeated_and_counts_once(erasing, cleaning_with, as_admin):
    tenant, person, nowhere = uuid4(), uuid4(), connect("redis://127.0.0.1:1")
    scope = TenantScope(tenant)
    await known(as_admin, tenant, person)
    with acting_as(service_caller("customers", tenant)):
        erasure = await begun(erasing, tenant, person)
        with pytest.raises(DependencyUnavailable):
            await cleaning_with(nowhere).first(scope, erasure.erasure_id)
        halfway = await parts(erasing, tenant, erasure.erasure_id)

        await cleaning_with().first(scope, erasure.erasure_id)
        done = await parts(erasing, tenant, erasure.erasure_id)
    await nowhere.aclose()

    assert halfway["customers"][0]["customers"] == done["customers"][0]["customers"] == 1
    assert (halfway["customers"][1], done["customers"][1]) == (False, True)
    assert done["metrics"] == ({}, False)


async def test_the_audit_and_the_receipt_hold_pseudonyms_only(erasing, as_admin):
    tenant, person = uuid4(), uuid4()
    await known(as_admin, tenant, person)

    erasure = await begun(erasing, tenant, person)

    row = await as_admin.fetchrow("select e::text as told from erasures e where tenant_id = $1", tenant)
    assert str(person) not in row["told"]
    assert "service:customers" not in row["told"]
    audited = await as_admin.fetchval(
        "select content from outbox where tenant_id = $1 and type = 'audit.recorded'", tenant
    )
    assert str(person).encode() not in audited
    assert str(erasure.pseudonym).encode() in audited


async def test_cached_answers_are_gone_from_redis_not_only_out_of_date(cache, redis, cleaning_with):
    tenant, neighbour = uuid4(), uuid4()

    async def told():
        return b"Quirina"

    for one in (tenant, neighbour):
        with acting_as(service_caller("customers", one)):
            for number in range(5):
                await cache.get_or_compute("facts", f"who {number}", LONGEST, told)
    with acting_as(service_caller("customers", tenant)):
        gone = await forget_answers(cache, redis, "customers")

    left = [key async for key in redis.scan_iter(match=f"analytics:{tenant}:customers:cache:*")]
    theirs = [key async for key in redis.scan_iter(match=f"analytics:{neighbour}:customers:cache:*")]
    assert (gone, left, len(theirs)) == (5, [], 5)
