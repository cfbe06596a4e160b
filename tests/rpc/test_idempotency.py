"""Idempotency keys on a real database: one effect a key, the first answer again, and honest refusals."""

import asyncio
from datetime import timedelta
from importlib.resources import files
from uuid import uuid4

import asyncpg
import grpc
import pytest

from libs.common.context import Caller, TenantScope, current_caller
from libs.common.postgres.database import Database
from libs.common.rpc.errors import IdempotencyInFlight, IdempotencyKeyReused
from libs.common.rpc.idempotency import IDEMPOTENCY_DDL, Claim, IdempotencyStore, claim_many, store_answers
from libs.common.rpc.status import error_info_from
from tests.rpc.protocol import echo
from tests.rpc.world import TENANT, echo_server, refused

_EFFECTS = """
create table effects (tenant_id uuid not null, text text not null);
select platform.protect_table('effects', null, 'select, insert');
"""
SCOPE = TenantScope(TENANT)


@pytest.fixture(scope="session")
async def stored(postgres_server):
    """A database with the table of keys and a table of effects."""
    created = await postgres_server.create_database("echo")
    owner = await asyncpg.connect(created.owner_url)
    for name in ("foundation.sql", "partitions.sql"):
        await owner.execute(files("libs.common.postgres").joinpath(name).read_text())
    for statement in (*IDEMPOTENCY_DDL, _EFFECTS):
        await owner.execute(statement)
    await owner.close()
    database = Database.connect(created.app_url, application_name="echo-test")
    yield database
    await database.close()


@pytest.fixture
async def served(keys, stored):
    async with echo_server(keys, answers=IdempotencyStore(stored)) as running:
        plain = running.servicer.Say

        async def store_then_say(request, context):
            async with stored.transaction(current_caller().scope) as connection:
                await connection.execute("insert into effects values ($1, $2)", TENANT, request.text)
            return await plain(request, context)

        running.servicer.Say = store_then_say
        yield running


def caller(subject: str = "user-1") -> Caller:
    return Caller(subject, SCOPE, frozenset(), expires_at=None, token_id="t")


def claim(key: str, text: str = "a", **who) -> Claim:
    return Claim.of(caller(**who), "/m", key, echo()[0].SayRequest(text=text))


async def effects(database: Database, text: str) -> int:
    async with database.transaction(SCOPE) as connection:
        return await connection.fetchval("select count(*) from effects where text = $1", text)


def keyed(served, key: str, **claims):
    return (*served.auth(**claims), ("idempotency-key", key))


async def test_repeated_call_gets_the_first_answer_and_no_second_effect(served, stored):
    first = await served.stub.Write(served.say("once"), metadata=keyed(served, "k-1"))
    second = await served.stub.Write(served.say("once"), metadata=keyed(served, "k-1"))

    assert second == first
    assert second.request_id == first.request_id
    assert await effects(stored, "once") == 1


async def test_calls_without_a_key_are_done_each_time(served, stored):
    for _ in range(2):
        await served.stub.Write(served.say("twice"), metadata=served.auth())

    assert await effects(stored, "twice") == 2


async def test_key_with_another_payload_is_refused(served):
    await served.stub.Write(served.say("a"), metadata=keyed(served, "k-2"))

    error = await refused(served.stub.Write(served.say("b"), metadata=keyed(served, "k-2")))

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error_info_from(error).reason == "IDEMPOTENCY_KEY_REUSED"


async def test_key_in_flight_is_aborted_at_once(served):
    first = asyncio.create_task(
        _as_task(served.stub.Write(served.say("wait"), metadata=keyed(served, "k-3")))
    )
    async with asyncio.timeout(10):
        await served.servicer.entered.wait()

    error = await refused(served.stub.Write(served.say("wait"), metadata=keyed(served, "k-3"), timeout=5))
    served.servicer.release.set()

    assert error.code() is grpc.StatusCode.ABORTED
    assert error_info_from(error).reason == "IDEMPOTENCY_IN_FLIGHT"
    assert (await first).text == "wait"


async def _as_task(call):
    return await call


async def test_keys_of_other_principals_tenants_and_methods_are_other_keys(served, stored):
    await served.stub.Write(served.say("mine"), metadata=keyed(served, "k-4"))
    await served.stub.Write(served.say("mine"), metadata=keyed(served, "k-4", sub="user-2"))
    answer = await served.stub.WriteItself(served.say("other"), metadata=keyed(served, "k-4"))

    assert await effects(stored, "mine") == 2
    assert answer.text == f"/tickettoken.testing.v1.EchoService/WriteItself {TENANT}"


async def test_refused_call_frees_its_key_and_leaves_no_effect(served, stored):
    await refused(served.stub.Write(served.say("not today"), metadata=keyed(served, "k-5")))
    await refused(served.stub.Write(served.say("crash"), metadata=keyed(served, "k-6")))

    answer = await served.stub.Write(served.say("fine"), metadata=keyed(served, "k-5"))

    assert answer.text == "fine"
    assert await effects(stored, "not today") == 0
    assert await effects(stored, "crash") == 0


@pytest.mark.parametrize("key", ["", "x" * 129, "with space"])
async def test_malformed_key_is_refused(served, key):
    error = await refused(served.stub.Write(served.say(), metadata=keyed(served, key)))

    assert error_info_from(error).reason == "IDEMPOTENCY_KEY_INVALID"


async def test_read_only_method_ignores_a_key(served, stored):
    for _ in range(2):
        await served.stub.Restricted(
            served.say("x"),
            metadata=(
                ("authorization", f"Bearer {served.keys.identity().token(TENANT, [])}"),
                ("idempotency-key", "k-7"),
            ),
        )


async def test_service_without_a_store_refuses_keys_of_methods_with_effects(keys):
    async with echo_server(keys) as served:
        error = await refused(served.stub.Write(served.say(), metadata=keyed(served, "k")))

    assert error_info_from(error).reason == "IDEMPOTENCY_KEY_UNSUPPORTED"


async def test_many_claims_are_settled_in_one_statement(stored):
    old, reused, twice, fresh = claim("m-1"), claim("m-2"), claim("m-3"), claim("m-4")
    async with stored.transaction(SCOPE) as connection:
        await claim_many(connection, [old, reused])
        await store_answers(connection, [(old, b"first"), (reused, b"first")])

    async with stored.transaction(SCOPE) as connection:
        again, changed, twin = claim("m-1"), claim("m-2", text="b"), claim("m-3")
        outcomes = await claim_many(connection, [again, changed, twice, twin, fresh])

    assert outcomes[again] == b"first"
    assert isinstance(outcomes[changed], IdempotencyKeyReused)
    assert outcomes[twice] is None
    assert isinstance(outcomes[twin], IdempotencyInFlight)
    assert outcomes[fresh] is None


_AGED = """
insert into idempotency_keys (tenant_id, scope_hash, used_on, used_at, method, request_hash, answer)
values ($1, $2, date_trunc('day', now(), 'UTC') - interval '1 day', now() - $4::interval, '/m', $3, 'first')
"""


@pytest.mark.parametrize(("age", "outcome"), [(timedelta(hours=23), b"first"), (timedelta(hours=25), None)])
async def test_key_of_yesterdays_partition_is_found_for_a_day(stored, age, outcome):
    aged, repeated = claim(f"aged-{age.days}"), claim(f"aged-{age.days}")
    async with stored.transaction(SCOPE) as connection:
        await connection.execute(_AGED, TENANT, aged.scope_hash, aged.request_hash, age)

    async with stored.transaction(SCOPE) as connection:
        assert (await claim_many(connection, [repeated]))[repeated] == outcome


async def test_transaction_that_began_yesterday_still_blocks_its_key_today(stored):
    async with stored.transaction(SCOPE) as first:
        began = claim("midnight")
        await claim_many(first, [began])

        async def later() -> object:
            async with stored.transaction(SCOPE) as second:
                repeated = claim("midnight")
                return (await claim_many(second, [repeated]))[repeated]

        assert isinstance(await asyncio.create_task(later()), IdempotencyInFlight)


async def test_answers_of_another_tenant_are_invisible(stored):
    other = TenantScope(uuid4())
    async with stored.transaction(SCOPE) as connection:
        mine = claim("private")
        await claim_many(connection, [mine])
        await store_answers(connection, [(mine, b"secret")])

    async with stored.transaction(other) as connection:
        assert (await claim_many(connection, [mine]))[mine] is None
        assert await connection.fetchval("select count(*) from idempotency_keys") == 0
