"""Use case: bring a tenant's documents up to its raw events, those before the first document included."""

from uuid import UUID

from libs.common.bus.port import Delivery, Verdict
from services.metrics.event_documents.consumer import TYPES, EventDocuments
from services.metrics.raw_events.replay import Replay


async def refill(replay: Replay, documents: EventDocuments, tenant_id: UUID) -> tuple[int, int]:
    """Apply the raw events about shows again; returns how many were applied, and how many refused.

    Documents need not be emptied for it, since applying a statement twice is the same as once, and consumers
    may go on. Call it acting as the tenant's service.

    Raises:
        DependencyUnavailable: MongoDB is not reachable.
    """
    applied = refused = 0
    handler = documents.handler()
    async for _, events in replay.batches(tenant_id, types=TYPES):
        settlements = await handler([Delivery(event, 1) for event in events])
        done = sum(settlement.verdict is Verdict.DONE for settlement in settlements)
        applied += done
        refused += len(events) - done
    return applied, refused
