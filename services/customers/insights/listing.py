"""Use cases: findings of a venue, one of them, and their counts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.message import Message

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.paging import PageTokens, page_size
from libs.common.postgres.database import Database
from services.customers.errors import InsightNotFound
from services.customers.insights.insight import Action, Insight
from services.customers.insights.stats_store import Count, LastRefresh, select_counts, select_refresh
from services.customers.insights.store import InsightStore
from services.customers.insights.vocabulary import Priority


@dataclass(frozen=True, slots=True)
class Filter:
    """Which findings of a venue; None: any."""

    venue_id: UUID
    type: str | None
    priority: Priority | None
    actionable: bool | None


@dataclass(frozen=True, slots=True)
class Told:
    """A finding and what was done about it."""

    insight: Insight
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Some findings, and how the next page is asked for."""

    insights: tuple[Told, ...]
    next_page_token: str
    newest_fact_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stats:
    """Findings of a venue, counted, and its last refresh."""

    counts: tuple[Count, ...]
    last: LastRefresh | None


class Listing:
    """Findings for readers.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        pages: Makes and reads page tokens.
        now: The present instant, which ends open findings.
    """

    def __init__(
        self,
        database: Database,
        venues: Venues,
        pages: PageTokens,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._venues = venues
        self._pages = pages
        self._now = now

    async def page(
        self, scope: TenantScope, chosen: Filter, request: Message, *, requested_size: int
    ) -> Page:
        """A page of a venue's findings; `request` is what its token is bound to.

        Raises:
            VenueNotFound: The scope has no such venue.
            PageTokenInvalid: The token was made for another question.
        """
        await self._venues.require(scope, [chosen.venue_id])
        size = page_size(requested_size)
        after = self._pages.read(tenant_id=scope.tenant_id, request=request)
        async with self._database.transaction(scope) as conn:
            store = InsightStore(conn, scope.tenant_id)
            found = await store.page(
                chosen.venue_id,
                now=self._now(),
                type_=chosen.type,
                priority=chosen.priority,
                actionable=chosen.actionable,
                after=after,
                limit=size + 1,
            )
            actions = await store.actions([insight.insight_id for insight in found[:size]])
            last = await select_refresh(conn, scope.tenant_id, chosen.venue_id)
        token = ""
        if len(found) > size:
            end = found[size - 1]
            position = (end.priority.rank, end.found_at, end.insight_id)
            token = self._pages.make(position, tenant_id=scope.tenant_id, request=request)
        told = tuple(Told(insight, tuple(actions[insight.insight_id])) for insight in found[:size])
        return Page(told, token, None if last is None else last.newest_fact_at)

    async def one(self, scope: TenantScope, insight_id: UUID) -> Told:
        """One finding.

        Raises:
            InsightNotFound: The scope has no such finding.
        """
        async with self._database.transaction(scope) as conn:
            store = InsightStore(conn, scope.tenant_id)
            insight = await store.one(insight_id, self._now())
            if insight is None:
                raise InsightNotFound("no such insight", insight_id=insight_id)
            actions = await store.actions([insight_id])
        return Told(insight, tuple(actions[insight_id]))

    async def stats(self, scope: TenantScope, venue_id: UUID) -> Stats:
        """Counts of a venue's findings.

        Raises:
            VenueNotFound: The scope has no such venue.
        """
        await self._venues.require(scope, [venue_id])
        async with self._database.transaction(scope) as conn:
            counts = await select_counts(conn, scope.tenant_id, venue_id, self._now())
            last = await select_refresh(conn, scope.tenant_id, venue_id)
        return Stats(tuple(counts), last)
