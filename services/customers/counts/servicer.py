"""gRPC: CustomerAnalyticsService's method about counts of customers."""

from uuid import UUID

from tickettoken.customers.v1 import counts_pb2

from libs.common.buckets import Window
from libs.common.context import current_caller
from libs.common.moments import moment_of, timestamp_of
from services.customers.counts.counting import Counting


class CountsServicer:
    """GetCustomerCounts."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting

    async def GetCustomerCounts(
        self, request: counts_pb2.GetCustomerCountsRequest, _context: object
    ) -> counts_pb2.GetCustomerCountsResponse:
        start = moment_of(request.window.start_time, "window.startTime")
        window = Window.of(start, moment_of(request.window.end_time, "window.endTime"))
        venue_id = UUID(request.venue_id) if request.venue_id else None
        counts = await self._counting.count(current_caller().scope, window, venue_id)
        return counts_pb2.GetCustomerCountsResponse(
            active_count=counts.active_count,
            new_count=counts.new_count,
            returning_count=counts.returning_count,
            as_of=timestamp_of(counts.newest_fact_at),
        )
