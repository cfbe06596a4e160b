"""From a batch of deliveries to applied events, per tenant and in one transaction.

One bad event harms no other: a batch that fails is repeated event by event, and the kind of each error
decides between a retry and the dead letters.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus import inbox
from libs.common.bus.port import DONE, BatchHandler, Delivery, Settlement, Verdict
from libs.common.context import Caller, TenantScope, acting_as
from libs.common.errors import AnalyticsError, DependencyUnavailable
from libs.common.ids import repeated_id
from libs.common.postgres.database import Connection, Database
from libs.common.postgres.errors import DatabaseBusy

log = logging.getLogger(__name__)

AfterCommit = Callable[[], Awaitable[None]]
ApplyInTransaction = Callable[[Connection, Sequence[Event]], Awaitable[AfterCommit | None]]
"""Writes the events of one tenant; what it returns is run after the commit (feeds, cache invalidation)."""
Apply = Callable[[Sequence[Event]], Awaitable[None]]
"""Writes the events of one tenant somewhere else; applying an event twice must be the same as once."""

_IDENTITY_SECONDS = 60


def service_caller(service: str, tenant_id: UUID) -> Caller:
    """The identity of a service that works for a tenant without a user: every venue, no permissions."""
    return Caller(
        subject=f"service:{service}",
        scope=TenantScope(tenant_id),
        permissions=frozenset(),
        expires_at=datetime.now(UTC) + timedelta(seconds=_IDENTITY_SECONDS),
        token_id="",
        actor=service,
    )


def in_transaction(
    database: Database, *, service: str, queue: str, apply: ApplyInTransaction
) -> BatchHandler:
    """A handler that applies each event once: inbox claim and writes share one transaction per tenant.

    Args:
        database: The app role's database.
        service: Whose identity the work runs under.
        queue: The queue's name, also the name of its inbox.
        apply: Writes the events that are new.
    """

    async def apply_once(events: Sequence[Event]) -> None:
        by_id = {repeated_id(event.event_id): event for event in events}
        scope = TenantScope(UUID(events[0].tenant_id))
        after_commit: AfterCommit | None = None
        async with database.transaction(scope) as connection:
            new = await inbox.claim(connection, queue, by_id)
            if new:
                fresh = [event for event_id, event in by_id.items() if event_id in new]
                after_commit = await apply(connection, fresh)
        if after_commit is not None:
            await _run_after_commit(after_commit, queue)

    return repeatable(service=service, apply=apply_once)


def repeatable(*, service: str, apply: Apply) -> BatchHandler:
    """A handler for writes that are idempotent by themselves, such as documents upserted by event id."""

    async def handle(deliveries: Sequence[Delivery]) -> Sequence[Settlement]:
        settlements = [DONE] * len(deliveries)
        by_tenant: dict[UUID, list[int]] = {}
        for index, delivery in enumerate(deliveries):
            try:
                repeated_id(delivery.event.event_id)
                by_tenant.setdefault(repeated_id(delivery.event.tenant_id), []).append(index)
            except ValueError:
                settlements[index] = Settlement(Verdict.DEAD, "INVALID_ID: event_id and tenant_id are UUIDs")
        for tenant_id, indexes in by_tenant.items():
            with acting_as(service_caller(service, tenant_id)):
                events = [deliveries[index].event for index in indexes]
                for index, settlement in zip(indexes, await _settle(apply, events), strict=True):
                    settlements[index] = settlement
        return settlements

    return handle


async def _settle(apply: Apply, events: Sequence[Event]) -> Sequence[Settlement]:
    try:
        await apply(events)
    except (DependencyUnavailable, DatabaseBusy) as error:
        raise DependencyUnavailable(error.message) from error
    except Exception as error:  # noqa: BLE001 - whatever an event breaks, it must not break its neighbours
        if len(events) > 1:
            log.info("a batch of %d events failed with %s: one by one", len(events), type(error).__name__)
            return [(await _settle(apply, [event]))[0] for event in events]
        return [_judge(events[0], error)]
    return [DONE] * len(events)


def _judge(event: Event, error: Exception) -> Settlement:
    if not isinstance(error, AnalyticsError):
        log.error("applying %s %s failed", event.type, event.event_id, exc_info=error)
        return Settlement(Verdict.RETRY, f"{type(error).__name__}: {error}")
    reason = f"{error.reason}: {error.message}"
    return Settlement(Verdict.RETRY if error.kind.is_transient else Verdict.DEAD, reason)


async def _run_after_commit(after_commit: AfterCommit, queue: str) -> None:
    """What follows a commit must not undo it: a failure is logged and the events stay done."""
    try:
        await after_commit()
    except Exception:
        log.exception("work after a commit of %s failed", queue)
