"""Use case: what is worth knowing about one customer of a venue now."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from libs.common.buckets import zone
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.insights.customer_findings import CustomerFinding, missed_usual_show, moved_segment
from services.customers.insights.customer_store import select_purchase_days
from services.customers.insights.standing import Standing, standing_of
from services.customers.people.reader import PeopleReader
from services.customers.rfm.reader import ScoreReader

_RECENT: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class CustomerFindings:
    """Findings about one customer, the most urgent first, and the newest fact behind them."""

    findings: tuple[CustomerFinding, ...]
    newest_fact_at: datetime | None


class CustomerInsights:
    """Findings about customers, made when they are asked for.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        people: People as far as the caller may see them.
        scores: Scores and moves between segments.
        now: The present instant.
    """

    def __init__(
        self,
        database: Database,
        venues: Venues,
        people: PeopleReader,
        scores: ScoreReader,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._venues = venues
        self._people = people
        self._scores = scores
        self._now = now

    async def of_customer(self, scope: TenantScope, venue_id: UUID, customer_id: UUID) -> CustomerFindings:
        """Findings about one customer.

        Raises:
            VenueNotFound: The scope has no such venue.
            CustomerNotFound: The customer has not dealt with the venue.
        """
        venue = (await self._venues.require(scope, [venue_id]))[venue_id]
        await self._people.require(scope, venue_id, customer_id)
        async with self._database.transaction(scope) as conn:
            bought = await select_purchase_days(conn, scope.tenant_id, customer_id, venue_id, venue.time_zone)
        now = self._now()
        standing = await self._standing(scope, venue_id, customer_id, now)
        clock = zone(venue.time_zone)
        today = now.astimezone(clock).date()
        findings = [*missed_usual_show(bought.days, today, clock, standing), *moved_segment(standing)]
        findings.sort(key=lambda finding: -finding.priority.rank)
        return CustomerFindings(tuple(findings), bought.newest_fact_at)

    async def _standing(
        self, scope: TenantScope, venue_id: UUID, customer_id: UUID, now: datetime
    ) -> Standing | None:
        scores = await self._scores.scores(scope, [customer_id], venue_id=venue_id)
        score = scores.get(customer_id)
        if score is None:
            return None
        moves = await self._scores.moves(scope, customer_id, venue_id=venue_id, since=now - _RECENT, limit=1)
        return standing_of(score, moves[0] if moves else None)
