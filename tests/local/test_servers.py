"""Every embedded server answers its protocol, keeps its data over a restart and stops."""

import aio_pika
import asyncpg
import httpx
import obstore
import pymongo
import redis.asyncio
from obstore.store import S3Store
from pymongo import WriteConcern

from deploy.local.servers import Secantus, Valkey
from deploy.local.servers.influx import Influx
from deploy.local.servers.rabbitmq import RabbitMQ
from deploy.local.servers.s3 import S3
from tests.servers.databases import PostgresServer


async def test_a_fresh_database_is_open_to_its_own_roles_only(postgres_server: PostgresServer):
    metrics = await postgres_server.create_database("metrics")
    other = await postgres_server.create_database("other")

    app = await asyncpg.connect(metrics.app_url)
    me, database, is_superuser = await app.fetchrow(
        "select current_user, current_database(), rolsuper from pg_roles where rolname = current_user"
    )
    await app.close()

    assert (me, database, is_superuser) == ("metrics_app", metrics.name, False)
    stranger = other.app_url.replace(other.name, metrics.name)
    try:
        await asyncpg.connect(stranger)
    except asyncpg.InsufficientPrivilegeError:
        pass
    else:
        raise AssertionError("another service's role got in")
    await postgres_server.drop_database(metrics)
    await postgres_server.drop_database(other)


async def test_redis_keeps_its_data_over_a_restart(redis_server: Valkey, redis_url: str):
    async with redis.asyncio.from_url(redis_url) as client:
        await client.set("restart", "kept")
    redis_server.stop()
    redis_server.start()

    async with redis.asyncio.from_url(redis_url) as client:
        assert await client.get("restart") == b"kept"


async def test_mongo_keeps_journaled_writes_over_a_restart(mongo_server: Secantus, mongo_url: str):
    durable = WriteConcern(w=1, j=True)
    async with pymongo.AsyncMongoClient(mongo_url) as client:
        await client.trial.get_collection("kept", write_concern=durable).insert_one({"_id": 1})
    mongo_server.process.kill()
    mongo_server.start()

    async with pymongo.AsyncMongoClient(mongo_url) as client:
        assert await client.trial.kept.find_one() == {"_id": 1}


async def test_influx_takes_version_two_writes_and_answers_influxql(influx: Influx):

    influx.create_bucket("trial")

    async with httpx.AsyncClient(base_url=influx.url) as client:
        written = await client.post(
            "/api/v2/write",
            params={"org": "any", "bucket": "trial", "precision": "us"},
            content="sales,venue=a value=2 1700000000000000",
        )
        answer = await client.get(
            "/query", params={"db": "trial", "epoch": "u", "q": "select value from sales"}
        )

    assert written.status_code == 204
    assert answer.json()["results"][0]["series"][0]["values"] == [[1700000000000000, 2]]


async def test_s3_gives_back_what_was_put(s3: S3):
    store = S3Store(
        s3.bucket,
        endpoint=s3.url,
        access_key_id=s3.access_key,
        secret_access_key=s3.secret_key,
        client_options={"allow_http": True},
    )

    await obstore.put_async(store, "tenant/file.txt", b"content")

    assert bytes(await (await obstore.get_async(store, "tenant/file.txt")).bytes_async()) == b"content"


async def test_rabbitmq_keeps_durable_messages_over_a_restart(rabbitmq: RabbitMQ):
    async with await aio_pika.connect(rabbitmq.url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("kept", durable=True)
        message = aio_pika.Message(b"content", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, routing_key="kept")
    rabbitmq.stop()
    rabbitmq.start()

    async with await aio_pika.connect(rabbitmq.url) as connection:
        queue = await (await connection.channel()).declare_queue("kept", durable=True, passive=True)
        received = await queue.get(no_ack=True)

    assert received.body == b"content"
