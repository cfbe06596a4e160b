"""Use case: bring a tenant's documents up to its raw events, those before the first document included."""

from collections.abc import Mapping
from contextlib import aclosing
from uuid import UUID

from libs.common.bus.port import BatchHandler, Delivery, Verdict
from services.customers.rebuild.source import RawEvents


async def refill(
    raw_events: RawEvents, handlers: Mapping[tuple[str, ...], BatchHandler], tenant_id: UUID
) -> tuple[int, int]:
    """Apply raw events again; returns how many were applied, and how many refused.

    Documents need not be emptied for it, since applying an event twice is the same as once, and consumers may
    go on.

    Args:
        raw_events: Where the events come from.
        handlers: What keeps documents, by the types of events it takes.
        tenant_id: The tenant.

    Raises:
        DependencyUnavailable: The metrics service or MongoDB is not reachable.
    """
    applied = refused = 0
    for types, handler in handlers.items():
        async with aclosing(raw_events.batches(tenant_id, types)) as batches:
            async for _, events in batches:
                settlements = await handler([Delivery(event, 1) for event in events])
                done = sum(settlement.verdict is Verdict.DONE for settlement in settlements)
                applied += done
                refused += len(events) - done
    return applied, refused
