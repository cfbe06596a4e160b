"""Collects the facts of a question from both stores, as far as they may be read at once."""

from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from libs.common.buckets import microseconds
from libs.common.context import TenantScope
from libs.common.mongo import Document
from libs.common.postgres.database import Database
from services.customers.attribution.facts import Bought, Facts, Named, Touch, number_of
from services.customers.attribution.questions import moment
from services.customers.attribution.store import purchases
from services.customers.behavior.reader import BehaviorReader, Visitor
from services.customers.errors import TooManyTouchpoints
from services.customers.touchpoints.reader import TouchpointReader

if TYPE_CHECKING:
    import asyncpg

MOST_FACTS: Final = 500_000
"""Touchpoints and people who are known in their sessions, and purchases, of one question."""

_FIRST: Final = microseconds(datetime(1, 1, 1, tzinfo=UTC))
_LAST: Final = microseconds(datetime(9999, 12, 31, tzinfo=UTC))


class Collecting:
    """Facts of a venue around a time."""

    def __init__(
        self,
        database: Database,
        touchpoints: TouchpointReader,
        behavior: BehaviorReader,
        *,
        most: int = MOST_FACTS,
    ) -> None:
        self._database = database
        self._touchpoints = touchpoints
        self._behavior = behavior
        self._most = most

    async def facts(
        self, scope: TenantScope, venue_id: UUID, period: range, window: int, campaign_id: UUID | None
    ) -> Facts:
        """What paths that end in a period are made from: purchases are read until a window after it.

        Args:
            scope: A scope that has the venue.
            venue_id: The venue.
            period: Microseconds since 1970.
            window: Attribution window in microseconds.
            campaign_id: The campaign whose touchpoints are marked as its own.

        Raises:
            TooManyTouchpoints: There are more facts than are read at once.
            DependencyUnavailable: A store is not reachable.
        """
        facts = Facts()
        own = None if campaign_id is None else str(campaign_id)
        start = max(period.start - window, _FIRST)
        count = 0
        unnamed: set[str] = set()
        async with aclosing(self._touchpoints.of_venue(venue_id, start, period.stop)) as batches:
            async for documents in batches:
                self._require_few(count := count + len(documents))
                facts.add_touches(_touches(documents, own))
                unnamed.update(_unnamed_sessions(documents))
        async with aclosing(self._behavior.visitors(venue_id, sorted(unnamed))) as found:
            async for visitors in found:
                self._require_few(count := count + len(visitors))
                facts.add_named(_named(visitors))
        begin, end = moment(start), moment(min(period.stop + window, _LAST))
        count = 0
        async with self._database.transaction(scope) as conn:
            async for rows in purchases(conn, scope.tenant_id, venue_id, begin, end):
                self._require_few(count := count + len(rows))
                facts.add_bought(_bought(rows))
        return facts

    def _require_few(self, count: int) -> None:
        if count > self._most:
            raise TooManyTouchpoints(
                f"at most {self._most} touchpoints and purchases are read at once; ask for a shorter time",
                limit=self._most,
            )


def _touches(documents: list[Document], own: str | None) -> Iterator[Touch]:
    for document in documents:
        cost = document["cost"]
        yield Touch(
            touchpoint=number_of(document["id"]),
            person=number_of(document["customer_id"]),
            session=number_of(document["session_id"]),
            channel=document["channel"],
            is_own=own is not None and document["campaign_id"] == own,
            kind=document["kind"],
            at=document["at_us"],
            cost_minor=0 if cost is None else cost["amount_minor"],
            cost_currency="" if cost is None else cost["currency"],
        )


def _unnamed_sessions(documents: list[Document]) -> Iterator[str]:
    for document in documents:
        if document["customer_id"] is None and document["session_id"] is not None:
            yield document["session_id"]


def _named(visitors: list[Visitor]) -> Iterator[Named]:
    for each in visitors:
        yield Named(number_of(each.customer_id), number_of(each.session_id), each.first_us)


def _bought(rows: "list[asyncpg.Record]") -> Iterator[tuple[Bought, int]]:
    for row in rows:
        bought = Bought(
            order=number_of(str(row["order_id"])),
            person=number_of(str(row["customer_id"])),
            session=number_of(row["session_id"]),
            at=microseconds(row["sold_at"]),
            currency=row["currency"],
            gross_minor=row["gross_minor"],
            refund_minor=row["refund_minor"],
            stands=row["order_count"] == 1,
        )
        yield bought, microseconds(row["newest_fact_at"])
