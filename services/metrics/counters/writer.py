"""Writes increments of one tenant: claims, counters and answers in one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.message import Message

from libs.common.errors import AnalyticsError
from libs.common.postgres.database import Connection
from libs.common.rpc.idempotency import claim_many, store_answers
from services.metrics.counters.increments import Counter, CounterKey, Increment, applied
from services.metrics.counters.store import lock_counters, make_counters, save_counters

Reply = Message | AnalyticsError


async def write_increments(
    conn: Connection, tenant_id: UUID, increments: Sequence[Increment]
) -> dict[Increment, Reply]:
    """The reply to each increment, in force once the transaction commits.

    Args:
        conn: Transaction bound to the tenant.
        tenant_id: The tenant of all increments.
        increments: In the order in which they are added.
    """
    replies = await _claimed(conn, increments)
    fresh = [increment for increment in increments if increment not in replies]
    if not fresh:
        return replies
    counters = await _locked(conn, tenant_id, fresh)
    before = dict(counters)
    answers = []
    for increment, found in applied(counters, fresh, datetime.now(UTC)).items():
        if isinstance(found, AnalyticsError):
            replies[increment] = found
            continue
        response = replies[increment] = increment.respond(found)
        if increment.claim is not None:
            answers.append((increment.claim, response.SerializeToString()))
    changed = {key: counter for key, counter in counters.items() if counter != before.get(key)}
    if changed:
        await save_counters(conn, tenant_id, changed)
    if answers:
        await store_answers(conn, answers)
    return replies


async def _claimed(conn: Connection, increments: Sequence[Increment]) -> dict[Increment, Reply]:
    """Replies to calls whose idempotency key is not new."""
    claims = [increment.claim for increment in increments if increment.claim is not None]
    if not claims:
        return {}
    outcomes = await claim_many(conn, claims)
    replies: dict[Increment, Reply] = {}
    for increment in increments:
        outcome = None if increment.claim is None else outcomes[increment.claim]
        if outcome is not None:
            replies[increment] = increment.replay(outcome) if isinstance(outcome, bytes) else outcome
    return replies


async def _locked(
    conn: Connection, tenant_id: UUID, increments: Sequence[Increment]
) -> dict[CounterKey, Counter]:
    """The counters of the increments, locked; those that an increment makes are made first.

    Made before any is locked: a transaction that holds a counter and then makes another could wait for one
    that does it the other way round.
    """
    if made := {one.key for one in increments if one.amount}:
        await make_counters(conn, tenant_id, made)
    return await lock_counters(conn, tenant_id, {increment.key for increment in increments})
