"""What the suite does to a broker behind the bus's back: kill it, put foreign messages on a queue."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aio_pika
from redis.asyncio import Redis

from libs.common.bus.redis_scripts import GROUP, work_stream


@dataclass(frozen=True)
class Broker:
    name: str
    url: str
    server: Any

    def start(self):
        self.server.start()

    def stop(self):
        self.server.stop()

    def kill(self):
        """End it as a power cut would."""
        getattr(self.server, "kill", self.server.process.kill)()

    async def inject(self, queue, body, content_type, attempt="1"):
        """Put a message on an existing queue as a foreign producer might."""
        if self.name == "redis":
            async with Redis.from_url(self.url, protocol=2) as redis:
                await redis.xadd(
                    work_stream(queue), {"content_type": content_type, "body": body, "attempt": attempt}
                )
            return
        connection = await aio_pika.connect(self.url)
        async with connection:
            channel = await connection.channel()
            message = aio_pika.Message(body, content_type=content_type, headers={"x-attempt": attempt})
            await channel.default_exchange.publish(message, queue)

    async def age_queues(self):
        """Let the queues be older than a newborn.

        RabbitMQ 3.10 writes the raft metadata of its newest quorum queue when the next one is declared, or
        some seconds later; killed before that, it starts again with a queue that never elects a leader.
        Declaring a decoy leaves that fate to the decoy.
        """
        if self.name == "rabbitmq":
            connection = await aio_pika.connect(self.url)
            async with connection:
                channel = await connection.channel()
                name = f"decoy.{uuid4().hex[:8]}"
                await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})

    async def waiting(self, queue):
        """How many messages of a queue no consumer holds."""
        if self.name == "redis":
            async with Redis.from_url(self.url, protocol=2) as redis:
                pending = await redis.xpending(work_stream(queue), GROUP)
                return await redis.xlen(work_stream(queue)) - pending["pending"]
        connection = await aio_pika.connect(self.url)
        async with connection:
            channel = await connection.channel()
            declared = await channel.declare_queue(queue, passive=True)
            return declared.declaration_result.message_count
