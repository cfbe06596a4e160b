"""gRPC: MetricsService's methods about change over time."""

from typing import cast

from tickettoken.metrics.v1 import trends_pb2

from libs.common.buckets import Granularity, Window
from libs.common.context import current_caller
from libs.common.moments import moment_of
from services.metrics.trends.mapping import comparison_response, trend_response
from services.metrics.trends.questions import question_of
from services.metrics.trends.reader import TrendReader


class TrendsServicer:
    """GetMetricTrends, CompareMetrics."""

    def __init__(self, reader: TrendReader) -> None:
        self._reader = reader

    async def GetMetricTrends(
        self, request: trends_pb2.GetMetricTrendsRequest, _context: object
    ) -> trends_pb2.GetMetricTrendsResponse:
        scope = current_caller().scope
        question = question_of(scope.tenant_id, request)
        unit = cast("Granularity", request.period_unit)
        return trend_response(
            await self._reader.trend(scope, question, request.periods, unit, request.time_zone)
        )

    async def CompareMetrics(
        self, request: trends_pb2.CompareMetricsRequest, _context: object
    ) -> trends_pb2.CompareMetricsResponse:
        scope = current_caller().scope
        question = question_of(scope.tenant_id, request)
        current = Window(
            moment_of(request.current_start_date, "currentStartDate"),
            moment_of(request.current_end_date, "currentEndDate"),
        )
        previous = Window(
            moment_of(request.previous_start_date, "previousStartDate"),
            moment_of(request.previous_end_date, "previousEndDate"),
        )
        return comparison_response(
            await self._reader.comparison(scope, question, current, previous, request.time_zone)
        )
