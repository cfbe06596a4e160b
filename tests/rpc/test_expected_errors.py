"""What real drivers raise when a store is gone, and what the caller is told."""

import asyncio
from contextlib import suppress

import pymongo
import pymongo.errors
import pytest
import redis.asyncio

from deploy.local.ports import free_port
from libs.common.errors import Kind
from libs.common.postgres.database import Database
from libs.common.rpc.expected import expected


async def raised(work) -> BaseException:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - what the driver raises is the question
        return error
    raise AssertionError("nothing was raised")


async def test_closed_redis_port_is_an_unavailable_dependency():
    client = redis.asyncio.Redis(port=free_port(), retry=None)
    refusal = expected(await raised(client.get("key")))
    await client.aclose()

    assert (refusal.kind, refusal.reason) == (Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
    assert refusal.metadata == {"dependency": "redis"}


async def test_silent_redis_is_a_dependency_that_timed_out():
    silent = await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    client = redis.asyncio.Redis(port=port, socket_timeout=0.2, retry=None)
    error = await raised(client.get("key"))
    await client.aclose()
    silent.close()
    await silent.wait_closed()

    assert expected(error).kind in {Kind.DEADLINE_EXCEEDED, Kind.UNAVAILABLE}


async def _say_nothing(reader, writer):
    with suppress(ConnectionError):
        await reader.read()
    writer.close()


async def test_closed_mongo_port_is_an_unavailable_dependency():
    client = pymongo.AsyncMongoClient(f"mongodb://127.0.0.1:{free_port()}", serverSelectionTimeoutMS=200)
    refusal = expected(await raised(client.test.things.find_one({})))
    await client.close()

    assert (refusal.kind, refusal.metadata) == (Kind.UNAVAILABLE, {"dependency": "mongo"})


async def test_closed_postgres_port_is_an_unavailable_dependency():
    database = Database.connect(f"postgresql://nobody:x@127.0.0.1:{free_port()}/x", application_name="t")
    refusal = expected(await raised(database.check()))
    await database.close()

    assert (refusal.kind, refusal.reason) == (Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")


@pytest.mark.parametrize(
    "error", [KeyError("x"), OSError("disk full"), TimeoutError(), ValueError("select secret")]
)
def test_what_nobody_expected_is_not_excused(error):
    assert expected(error) is None
