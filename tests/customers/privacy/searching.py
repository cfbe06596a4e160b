"""Looks for words in everything that the stores of a deployment hold, whoever owns it."""

import asyncpg
from pymongo import AsyncMongoClient

_TABLES = """
select format('%I.%I', n.nspname, c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
 order by 1
"""


async def found_in_postgres(admin_url, needles):
    """Tables with a row in whose text, or in whose bytes, a needle lies: (table, needle)."""
    connection = await asyncpg.connect(admin_url)
    try:
        found = set()
        for table in [row["name"] for row in await connection.fetch(_TABLES)]:
            for needle in needles:
                hit = await connection.fetchval(
                    f"select exists (select from {table} t where strpos(lower(t::text), $1) > 0"
                    " or strpos(lower(t::text), $2) > 0)",
                    needle.lower(),
                    needle.encode().hex(),
                )
                if hit:
                    found.add((table, needle))
        return found
    finally:
        await connection.close()


async def found_in_mongo(url, needles):
    """Collections with a document that holds a needle: (database and collection, needle)."""
    client = AsyncMongoClient(url, tz_aware=True)
    try:
        found = set()
        for database in ("customers", "metrics"):
            for name in await client[database].list_collection_names():
                async for document in client[database][name].find({}):
                    text = str(document).lower()
                    found |= {(f"{database}.{name}", needle) for needle in needles if needle.lower() in text}
        return found
    finally:
        await client.close()


async def found_in_redis(redis, needles):
    """Keys that hold a needle, in their name or in what they hold: (key, needle)."""
    found = set()
    async for key in redis.scan_iter(count=1000):
        held = key + b" " + await _held(redis, key)
        found |= {(key, needle) for needle in needles if needle.lower().encode() in held.lower()}
    return found


async def _held(redis, key):
    kind = (await redis.type(key)).decode()
    match kind:
        case "string":
            return await redis.get(key) or b""
        case "hash":
            return str(await redis.hgetall(key)).encode()
        case "list":
            return str(await redis.lrange(key, 0, -1)).encode()
        case "set":
            return str(await redis.smembers(key)).encode()
        case "zset":
            return str(await redis.zrange(key, 0, -1)).encode()
        case "stream":
            return str(await redis.xrange(key)).encode()
        case _:
            return b""


async def found(platform, redis, needles):
    in_tables = [await found_in_postgres(database.admin_url, needles) for database in platform.databases]
    return [
        *in_tables,
        await found_in_mongo(platform.mongo_url, needles),
        await found_in_redis(redis, needles),
    ]


NOTHING = [set(), set(), set(), set()]
