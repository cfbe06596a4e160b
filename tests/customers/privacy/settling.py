"""Events that are published, and waiting until everything that follows from them is done."""

import asyncio
import time

from tickettoken.events.v1.envelope_pb2 import Event


async def eventually(probe, wanted, within=60):
    deadline = time.monotonic() + within
    while not wanted(seen := await probe()):
        assert time.monotonic() < deadline, seen
        await asyncio.sleep(0.1)
    return seen


async def publish(bus, events):
    await bus.publish([Event.FromString(event.SerializeToString()) for event in events])


async def settled(redis):
    """Return when every queue has been worked off."""

    async def backlog():
        streams = [key async for key in redis.scan_iter(match="bus:*") if await redis.type(key) == b"stream"]
        return sum([await redis.xlen(stream) for stream in streams])

    await eventually(backlog, lambda length: length == 0)


async def settled_wholly(redis, admins):
    """Return when no event waits in a queue or in an outbox."""

    async def waiting():
        return [await admin.fetchval("select count(*) from outbox") for admin in admins]

    await settled(redis)
    await eventually(waiting, lambda counts: counts == [0, 0])
    await settled(redis)
