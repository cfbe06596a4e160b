"""Answers questions about series: buckets, points, aggregates."""

from datetime import datetime
from typing import Final, cast

from tickettoken.metrics.v1 import series_pb2

from libs.common.buckets import Granularity, Window, bucket_edges
from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import AGGREGATE, SERIES
from libs.common.catalog.clocks import clock_of
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.paging import PageTokens, page_size
from libs.common.postgres.database import Database
from services.metrics.series import mapping, store
from services.metrics.series.namespaces import series_of
from services.metrics.series.percentiles import FRACTIONS, check_count
from services.metrics.series.questions import selection_of, window_of
from services.metrics.series.retention import Retention
from services.metrics.series.selection import Selection
from services.metrics.series.sources import BucketSource

_BEFORE_ANY_POINT: Final = -1


class SeriesReader:
    """The use cases of reading; cached answers are forgotten when a row of the series commits.

    Args:
        database: The service's database.
        source: Tells the figures of buckets.
        venues: Venues of every tenant.
        cache: Answers of this service.
        tokens: Page tokens.
        retention: How far back exact answers reach.
        percentile_row_limit: Raw rows that an exact percentile may read.
    """

    def __init__(
        self,
        database: Database,
        source: BucketSource,
        venues: Venues,
        cache: Cache,
        tokens: PageTokens,
        *,
        retention: Retention,
        percentile_row_limit: int,
    ) -> None:
        self._database = database
        self._source = source
        self._venues = venues
        self._cache = cache
        self._tokens = tokens
        self._retention = retention
        self._percentile_row_limit = percentile_row_limit

    async def buckets(
        self, scope: TenantScope, request: series_pb2.ListMetricsRequest
    ) -> series_pb2.ListMetricsResponse:
        """Every bucket of the window, empty ones included.

        Raises:
            VenueNotFound: The scope has no such venue.
            InvalidField: The zone is unknown, or a dimension or date is malformed.
            WindowTooWide: Too many buckets.
            SeriesExpired: The window began before figures are kept.
            RawPointsExpired: The window's edge is older than raw rows and not on a quarter hour.
        """
        selection = selection_of(scope.tenant_id, request)
        window = window_of(request)
        clock = await clock_of(self._venues, scope, [selection.venue_id], time_zone=request.time_zone)

        async def compute() -> bytes:
            edges = bucket_edges(window, cast("Granularity", request.granularity), clock)
            parts = self._retention.parts(window)
            figures = await self._source.buckets(scope, selection, parts, edges)
            return mapping.buckets_response(edges, figures).SerializeToString()

        key = f"{clock.key}|{request.SerializeToString(deterministic=True).hex()}"
        namespace = series_of(selection.venue_id, selection.metric_type)
        answer = await self._cache.get_or_compute(namespace, key, SERIES.ttl, compute)
        return series_pb2.ListMetricsResponse.FromString(answer)

    async def points(
        self, scope: TenantScope, request: series_pb2.ListMetricsRequest
    ) -> series_pb2.ListMetricsResponse:
        """One page of raw points in the order of time.

        Raises:
            VenueNotFound: The scope has no such venue.
            InvalidField: A dimension, date, page size or page token is malformed.
            RawPointsExpired: The window began before raw points are kept.
        """
        selection = selection_of(scope.tenant_id, request)
        window = window_of(request)
        size = page_size(request.page_size)
        position = self._tokens.read(tenant_id=scope.tenant_id, request=request)
        await self._venues.require(scope, [selection.venue_id])
        if position is None:  # later pages go on where the first was allowed to begin
            self._retention.require_raw(window.start)
            position = (window.start, _BEFORE_ANY_POINT)
        after = cast("tuple[datetime, int]", position)
        async with self._database.transaction(scope) as conn:
            points = await store.select_points(conn, selection, after, window.end, size + 1)
        next_token = ""
        if len(points) > size:
            last = points[size - 1]
            next_token = self._tokens.make(
                (last.time, last.point_id), tenant_id=scope.tenant_id, request=request
            )
        return mapping.points_response(points[:size], next_token)

    async def aggregate(
        self, scope: TenantScope, request: series_pb2.AggregateMetricsRequest
    ) -> series_pb2.AggregateMetricsResponse:
        """One figure over the window, exact wherever its edges lie.

        Raises:
            VenueNotFound: The scope has no such venue.
            InvalidField: A dimension or date is malformed.
            TooManyValues: A percentile over more values than are read at once.
            SeriesExpired: The window began before figures are kept.
            RawPointsExpired: The answer needs raw rows older than they are kept.
        """
        selection = selection_of(scope.tenant_id, request)
        window = window_of(request)
        await self._venues.require(scope, [selection.venue_id])

        async def compute() -> bytes:
            answer = await self._aggregate(scope, selection, window, request.aggregation)
            return answer.SerializeToString()

        key = request.SerializeToString(deterministic=True).hex()
        namespace = series_of(selection.venue_id, selection.metric_type)
        answer = await self._cache.get_or_compute(namespace, f"one|{key}", AGGREGATE.ttl, compute)
        return series_pb2.AggregateMetricsResponse.FromString(answer)

    async def _aggregate(
        self, scope: TenantScope, selection: Selection, window: Window, aggregation: str
    ) -> series_pb2.AggregateMetricsResponse:
        parts = self._retention.parts(window)
        (figures,) = await self._source.buckets(scope, selection, parts, [window.start, window.end])
        if aggregation not in FRACTIONS:
            return mapping.aggregate_response(aggregation, figures)
        check_count(figures.count, self._percentile_row_limit)
        self._retention.require_raw(window.start)
        async with self._database.transaction(scope) as conn:
            percentile = await store.select_percentile(conn, selection, window, FRACTIONS[aggregation])
        return mapping.percentile_response(aggregation, percentile)
