"""What a tenant's commands leave on the bus for the audit."""

import asyncio
from contextlib import asynccontextmanager

from libs.common.bus import open_bus
from libs.common.bus.port import DONE


@asynccontextmanager
async def audit_events(redis_url, tenant):
    """Audit events of the tenant by id, as they come over the bus meanwhile."""
    found, queue = {}, f"tests.audit.{tenant}"

    async def take(deliveries):
        for delivery in deliveries:
            if delivery.event.tenant_id == str(tenant):
                found[delivery.event.event_id] = delivery.event
        return [DONE] * len(deliveries)

    bus = open_bus(redis_url)
    await bus.subscribe(queue, types=("audit.recorded",))
    consumer = bus.consume(queue, types=("audit.recorded",), handler=take, prefetch=10)
    running = asyncio.create_task(consumer.run())
    yield found
    consumer.stop()
    await running
    await bus.unsubscribe(queue)
    await bus.close()
