"""Use case: segments of a venue, or of all that the token grants; the three routes about them share it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.errors import SegmentNotFound, TooManyCustomers
from services.customers.rfm.comparison import Compared, Comparison
from services.customers.rfm.place import WHOLE_TENANT
from services.customers.rfm.segments import SEGMENTS
from services.customers.segments.figures import SegmentFigures, figures_of
from services.customers.segments.store import SegmentStore

MOVE_DAYS: Final = 30
MOST_COMPARED: Final = 200_000
SCORED: Final = tuple(segment.value for segment in SEGMENTS)


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """Segments of a place; `compared` None: nobody was scored yet, so that there are none.

    `own` holds the predicates of segments that the tenant made, as JSON by name.
    """

    compared: Compared | None
    segments: Sequence[SegmentFigures]
    own: Mapping[str, str]

    def of_scores(self) -> "SegmentReport":
        """The segments that every place has."""
        scored = tuple(one for one in self.segments if one.segment not in self.own)
        return SegmentReport(self.compared, scored, {})

    @property
    def customer_count(self) -> int:
        return sum(one.customer_count for one in self.segments if one.segment not in self.own)


@dataclass(frozen=True, slots=True)
class SegmentAnalysis:
    """One segment of a report, and who came and went; `left` None: not kept."""

    report: SegmentReport
    figures: SegmentFigures
    came: int
    left: int | None
    flows: Sequence[Any]


class SegmentReports:
    """Segments as scores stand.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        comparison: How customers compare.
        most_compared: Customers of several venues, those of each counted, that one call compares.
    """

    def __init__(
        self,
        database: Database,
        venues: Venues,
        comparison: Comparison,
        *,
        most_compared: int = MOST_COMPARED,
    ) -> None:
        self._database = database
        self._venues = venues
        self._comparison = comparison
        self._most_compared = most_compared

    async def report(self, scope: TenantScope, venue_id: UUID | None) -> SegmentReport:
        """Segments of a venue, or (None) of everything that the scope sees.

        What a grant of several venues covers together is stored nowhere: the database sums their purchases up
        by customer in one pass, and the customers are compared.

        Raises:
            VenueNotFound: The scope has no such venue.
            TooManyCustomers: The venues granted have more customers than are compared for one call.
        """
        if venue_id is not None:
            await self._venues.require(scope, [venue_id])
            return await self._stored(scope, venue_id)
        if scope.venue_ids is None:
            return await self._stored(scope, WHOLE_TENANT)
        if len(scope.venue_ids) == 1:
            return (await self._stored(scope, *scope.venue_ids)).of_scores()
        await self._require_few(scope, scope.venue_ids)
        found = await self._comparison.anew(scope, scope.venue_ids, as_of=datetime.now(UTC))
        if found is None:
            return SegmentReport(None, (), {})
        compared, totals = found
        named = [
            {
                "segment": one.segment,
                "currency": one.currency,
                "customer_count": one.customers,
                "order_count": one.orders,
                "spend_minor": one.spend,
                "last_day_sum": one.last_days,
            }
            for one in totals
        ]
        return SegmentReport(compared, tuple(figures_of(SCORED, named).values()), {})

    async def _require_few(self, scope: TenantScope, venue_ids: Collection[UUID]) -> None:
        count = await self._comparison.customer_count(scope, venue_ids)
        if count > self._most_compared:
            raise TooManyCustomers(
                "the venues granted have too many customers to be compared for one call; ask for one venue",
                customer_count=count,
                limit=self._most_compared,
            )

    async def made(self, scope: TenantScope, venue_id: UUID) -> list[tuple[str, datetime]]:
        """Segments that the tenant made for a venue, and when."""
        async with self._database.transaction(scope) as conn:
            return await SegmentStore(conn, scope.tenant_id, venue_id).made()

    async def analysis(self, scope: TenantScope, venue_id: UUID, segment: str) -> SegmentAnalysis:
        """One segment of a venue.

        Raises:
            VenueNotFound: The scope has no such venue.
            SegmentNotFound: The venue has no such segment.
        """
        report = await self.report(scope, venue_id)
        figures = next((one for one in report.segments if one.segment == segment), None)
        if figures is None and segment not in SCORED:
            raise SegmentNotFound("no such segment", segment=segment)
        if figures is None or report.compared is None:
            return SegmentAnalysis(report, SegmentFigures(segment), 0, 0, ())
        async with self._database.transaction(scope) as conn:
            store = SegmentStore(conn, scope.tenant_id, venue_id)
            if segment in report.own:
                since = datetime.now(UTC) - timedelta(days=MOVE_DAYS)
                return SegmentAnalysis(report, figures, await store.came(segment, since), None, ())
            flows = await store.flows(segment, report.compared.as_of_day - timedelta(days=MOVE_DAYS))
        came = sum(flow["customer_count"] for flow in flows if flow["to_segment"] == segment)
        left = sum(flow["customer_count"] for flow in flows if flow["from_segment"] == segment)
        return SegmentAnalysis(report, figures, came, left, flows)

    async def _stored(self, scope: TenantScope, venue_id: UUID) -> SegmentReport:
        async with self._database.transaction(scope) as conn:
            compared = await self._comparison.last(scope, venue_id)
            store = SegmentStore(conn, scope.tenant_id, venue_id)
            own = await store.own()
            totals = await store.totals()
            own_totals = await store.own_totals() if own else []
        if compared is None:
            return SegmentReport(None, tuple(SegmentFigures(name) for name in own), own)
        segments = figures_of(SCORED, totals)
        return SegmentReport(compared, (*segments.values(), *figures_of(own, own_totals).values()), own)
