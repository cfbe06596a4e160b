"""Use case: the facts of a venue that generators look at."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from libs.common.buckets import Window, zone
from libs.common.catalog.venue_store import Venue
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.customers.cohorts.reader import CohortReader
from services.customers.insights.facts import VenueFacts
from services.customers.insights.findings import Candidate
from services.customers.insights.generators.data_freshness import is_dormant, silent_days
from services.customers.insights.generators.registry import fresh
from services.customers.insights.generators.revenue_anomaly import main_currency
from services.customers.insights.generators.segment_migration import GOOD_SEGMENTS, SEGMENT_DAYS
from services.customers.insights.segment_store import select_good
from services.customers.insights.show_store import (
    select_doors,
    select_list_prices,
    select_shows,
    select_type_sales,
)
from services.customers.insights.venue_store import newest_fact, select_days, select_regulars
from services.customers.wholeness import require_whole

_COHORT_MONTHS: Final = timedelta(days=280)
_TELLING_SILENCE: Final = 0.01
# Years of a venue's purchases may take longer to read than a list may; deadlines still end the work.
_MORE_TIME: Final = "set local statement_timeout = '60s'"


@dataclass(frozen=True, slots=True)
class Gathered:
    """Facts of one venue at one instant.

    Attributes:
        facts: What generators look at, until a silence that freshness names.
        silence: What freshness says.
        newest_fact_at: When the newest fact happened; None: there is none.
    """

    facts: VenueFacts
    silence: Sequence[Candidate]
    newest_fact_at: datetime | None


class Gathering:
    """Facts for generators.

    Args:
        database: The service's database.
        cohorts: Cohorts of venues.
    """

    def __init__(self, database: Database, cohorts: CohortReader) -> None:
        self._database = database
        self._cohorts = cohorts

    async def gather(self, scope: TenantScope, venue: Venue, now: datetime) -> Gathered:
        """All facts of whole local days; a venue that has closed gets none.

        Raises:
            RebuildInProgress: They are being made anew.
        """
        clock = zone(venue.time_zone)
        today = VenueFacts(clock, now.astimezone(clock).date())
        async with self._database.transaction(scope) as conn:
            await conn.execute(_MORE_TIME)
            await require_whole(conn, scope.tenant_id)
            newest = await newest_fact(conn, scope.tenant_id, venue.venue_id)
            days = await select_days(conn, scope.tenant_id, venue.venue_id, today)
            told = replace(today, days=days)
            if is_dormant(told):
                return Gathered(today, (), newest)
            silence = fresh(told)
            facts = await self._filled(conn, scope.tenant_id, venue, _before(told, silence))
        return Gathered(facts, silence, newest)

    async def _filled(self, conn: Connection, tenant_id: UUID, venue: Venue, facts: VenueFacts) -> VenueFacts:
        venue_id, zone_name, until = venue.venue_id, venue.time_zone, facts.until
        currency = main_currency(facts.days)
        first, _ = facts.last_days(SEGMENT_DAYS)
        sold = await select_type_sales(conn, tenant_id, venue_id, until, zone_name)
        types = sorted({sales.ticket_type_id for sales in sold})
        return replace(
            facts,
            regulars=await select_regulars(conn, tenant_id, venue_id, facts, currency),
            cohorts=await self._cohorts.table_in(
                conn, tenant_id, venue_id, Window(until - _COHORT_MONTHS, until), facts.clock
            ),
            shows=await select_shows(conn, tenant_id, venue_id, until),
            doors=await select_doors(conn, tenant_id, venue_id, until, zone_name),
            type_sales=sold,
            list_prices=await select_list_prices(conn, tenant_id, types, zone_name),
            good=await select_good(conn, tenant_id, venue_id, GOOD_SEGMENTS, first),
        )


def _before(facts: VenueFacts, silence: Sequence[Candidate]) -> VenueFacts:
    """The facts up to a silence that can hardly be chance: what it empties is nobody's change of mind."""
    if not any(candidate.evidence.p_value <= _TELLING_SILENCE for candidate in silence):
        return facts
    silent = silent_days(facts)
    return replace(facts, end=facts.end - timedelta(days=silent), silent_days=silent)
