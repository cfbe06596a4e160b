"""Use cases: dismiss a finding, or record what is done about it."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from libs.common.bus import outbox
from libs.common.context import Caller
from libs.common.errors import InvalidField
from libs.common.postgres.database import Database
from services.customers.errors import InsightExpired, InsightNotFound
from services.customers.insights.auditing import judgement_audited
from services.customers.insights.insight import Action, Insight
from services.customers.insights.store import InsightStore
from services.customers.insights.vocabulary import State
from services.customers.people.naming import tells_contacts

_MOST_PARAMETER_BYTES: Final = 16 * 1024


class Judging:
    """What people decide about findings.

    Args:
        database: The service's database.
        audit_key: Secret of the pseudonyms under which an audit names people.
        now: The present instant.
    """

    def __init__(
        self,
        database: Database,
        audit_key: bytes,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._audit_key = audit_key
        self._now = now

    async def dismiss(self, caller: Caller, insight_id: UUID, reason: str) -> None:
        """Close a finding that nobody needs; one that is dismissed already gets the new reason.

        Raises:
            InvalidField: The reason holds somebody's mail address or phone number.
            InsightNotFound: The caller has no such finding.
            InsightExpired: Its time is over.
        """
        if tells_contacts(reason):
            raise InvalidField.of("reason", "must not hold mail addresses or phone numbers: it is kept")
        now = self._now()
        async with self._database.transaction(caller.scope) as conn:
            store = InsightStore(conn, caller.tenant_id)
            insight = await _living(store, insight_id, now)
            await store.judge(insight_id, State.DISMISSED, now, reason)
            event = judgement_audited(
                caller, "DismissInsight", insight, State.DISMISSED, at=now, key=self._audit_key
            )
            await outbox.append(conn, [event])

    async def act(
        self, caller: Caller, insight_id: UUID, action: str, parameters: Mapping[str, Any]
    ) -> Action:
        """Record something that is done about a finding, be it dismissed or not.

        Raises:
            InvalidField: The parameters are too large.
            InsightNotFound: The caller has no such finding.
            InsightExpired: Its time is over.
        """
        if len(json.dumps(dict(parameters)).encode()) > _MOST_PARAMETER_BYTES:
            raise InvalidField.of("parameters", "must be at most 16 KiB of JSON")
        now = self._now()
        done = Action(uuid4(), action, parameters, now)
        async with self._database.transaction(caller.scope) as conn:
            store = InsightStore(conn, caller.tenant_id)
            insight = await _living(store, insight_id, now)
            await store.judge(insight_id, State.ACTIONED, now)
            await store.add_action(insight, done)
            event = judgement_audited(
                caller, "TakeInsightAction", insight, State.ACTIONED, at=now, key=self._audit_key
            )
            await outbox.append(conn, [event])
        return done


async def _living(store: InsightStore, insight_id: UUID, now: datetime) -> Insight:
    insight = await store.one(insight_id, now, lock=True)
    if insight is None:
        raise InsightNotFound("no such insight", insight_id=insight_id)
    if insight.state is State.EXPIRED:
        raise InsightExpired("the insight has expired", insight_id=insight_id)
    return insight
