"""Writes groups: raw rows, rollups, live minutes and answers of one tenant's calls in one transaction."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from google.protobuf.message import Message

from libs.common.errors import AnalyticsError
from libs.common.postgres.database import Connection
from libs.common.rpc.idempotency import claim_many, store_answers
from services.metrics.live.keys import LiveKey
from services.metrics.live.minutes import add_minutes
from services.metrics.recording import store
from services.metrics.recording.group import Group, Outcome, Submission, live_rollup, series_rollup

Reply = Message | AnalyticsError


@dataclass(slots=True)
class Written:
    """What holds once the transaction commits.

    `replies` has one entry a submission. `changed` are the metrics that got rows, `live` those whose live
    windows moved.
    """

    replies: dict[Submission, Reply] = field(default_factory=dict)
    changed: set[LiveKey] = field(default_factory=set)
    live: list[LiveKey] = field(default_factory=list)


async def write_calls(conn: Connection, submissions: Sequence[Submission], slot: int) -> Written:
    """Write the rows and keep the answers of calls of one tenant.

    Args:
        conn: Transaction bound to the tenant.
        submissions: In the order in which they arrived: of rows with the same id the first is stored.
        slot: The writer's slot.
    """
    written = Written()
    fresh = await _claimed(conn, submissions, written)
    outcomes = await _write_rows(conn, fresh, slot, written) if fresh else []
    answers = []
    for submission, outcome in zip(fresh, outcomes, strict=True):
        response = submission.respond(outcome)
        written.replies[submission] = response
        if submission.claim is not None:
            answers.append((submission.claim, response.SerializeToString()))
    if answers:
        await store_answers(conn, answers)
    return written


async def _claimed(conn: Connection, submissions: Sequence[Submission], written: Written) -> list[Submission]:
    """The calls whose idempotency key is new, or that have none; the others get their replies here."""
    claims = [submission.claim for submission in submissions if submission.claim is not None]
    if not claims:
        return list(submissions)
    outcomes = await claim_many(conn, claims)
    fresh = []
    for submission in submissions:
        outcome = None if submission.claim is None else outcomes[submission.claim]
        if outcome is None:
            fresh.append(submission)
        else:
            written.replies[submission] = (
                submission.replay(outcome) if isinstance(outcome, bytes) else outcome
            )
    return fresh


async def _write_rows(
    conn: Connection, submissions: Sequence[Submission], slot: int, written: Written
) -> list[Outcome]:
    group = Group.of(submissions)
    duplicates = np.zeros(len(group.rows), bool)
    if group.rows.metric_ids:
        duplicates = group.repeated_ids()
        claimable = [one for one in dict.fromkeys(group.rows.metric_ids) if one]
        duplicates |= group.with_ids(await store.claim_metric_ids(conn, group.tenant_id, claimable))
    rows = group.without(duplicates).in_order()
    if len(rows):
        rollup = series_rollup(rows)
        await store.insert_rows(conn, group.tenant_id, rows)
        await store.add_to_rollups(conn, group.tenant_id, slot, rollup)
        written.changed = {group.live_keys[series] for series in set(rollup.keys.tolist())}
        if live := live_rollup(rows, group.live_keys, time.time_ns() // 1000):
            written.live, minutes = live
            await add_minutes(conn, group.tenant_id, slot, written.live, minutes)
    return group.outcomes(len(submissions), duplicates)
