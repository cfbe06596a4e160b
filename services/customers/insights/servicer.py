"""gRPC: InsightsService's methods about findings of venues."""

from uuid import UUID

from google.protobuf import json_format
from tickettoken.customers.v1 import insights_pb2

from libs.common.context import current_caller
from libs.common.moments import timestamp_of
from services.customers.insights import mapping
from services.customers.insights.customers import CustomerInsights
from services.customers.insights.judging import Judging
from services.customers.insights.listing import Filter, Listing
from services.customers.insights.refreshing import Refreshing
from services.customers.insights.vocabulary import Priority


class InsightServicer:
    """Lists, counts, refreshes and judges findings."""

    def __init__(self, listing: Listing, refreshing: Refreshing, judging: Judging) -> None:
        self._listing = listing
        self._refreshing = refreshing
        self._judging = judging

    async def ListInsights(
        self, request: insights_pb2.ListInsightsRequest, _context: object
    ) -> insights_pb2.ListInsightsResponse:
        chosen = Filter(
            UUID(request.venue_id),
            request.type or None,
            Priority(request.priority) if request.priority else None,
            request.actionable if request.HasField("actionable") else None,
        )
        page = await self._listing.page(
            current_caller().scope, chosen, request, requested_size=request.page_size
        )
        return mapping.page_message(page)

    async def GetInsight(
        self, request: insights_pb2.GetInsightRequest, _context: object
    ) -> insights_pb2.GetInsightResponse:
        told = await self._listing.one(current_caller().scope, UUID(request.insight_id))
        return insights_pb2.GetInsightResponse(insight=mapping.insight_message(told))

    async def GetInsightStats(
        self, request: insights_pb2.GetInsightStatsRequest, _context: object
    ) -> insights_pb2.GetInsightStatsResponse:
        stats = await self._listing.stats(current_caller().scope, UUID(request.venue_id))
        return mapping.stats_message(stats)

    async def RefreshInsights(
        self, request: insights_pb2.RefreshInsightsRequest, _context: object
    ) -> insights_pb2.RefreshInsightsResponse:
        refresh = await self._refreshing.refresh(current_caller().scope, UUID(request.venue_id))
        return mapping.refresh_message(refresh)

    async def DismissInsight(
        self, request: insights_pb2.DismissInsightRequest, _context: object
    ) -> insights_pb2.DismissInsightResponse:
        caller, insight_id = current_caller(), UUID(request.insight_id)
        await self._judging.dismiss(caller, insight_id, request.reason)
        told = await self._listing.one(caller.scope, insight_id)
        return insights_pb2.DismissInsightResponse(insight=mapping.insight_message(told))

    async def TakeInsightAction(
        self, request: insights_pb2.TakeInsightActionRequest, _context: object
    ) -> insights_pb2.TakeInsightActionResponse:
        caller, insight_id = current_caller(), UUID(request.insight_id)
        parameters = json_format.MessageToDict(request.parameters)
        action = await self._judging.act(caller, insight_id, request.action, parameters)
        told = await self._listing.one(caller.scope, insight_id)
        return insights_pb2.TakeInsightActionResponse(
            insight=mapping.insight_message(told), action=mapping.action_message(action)
        )


class CustomerInsightServicer:
    """ListCustomerInsights of InsightsService."""

    def __init__(self, insights: CustomerInsights) -> None:
        self._insights = insights

    async def ListCustomerInsights(
        self, request: insights_pb2.ListCustomerInsightsRequest, _context: object
    ) -> insights_pb2.ListCustomerInsightsResponse:
        found = await self._insights.of_customer(
            current_caller().scope, UUID(request.venue_id), UUID(request.customer_id)
        )
        return insights_pb2.ListCustomerInsightsResponse(
            insights=mapping.customer_insight_messages(found), as_of=timestamp_of(found.newest_fact_at)
        )


class CustomerInsightsOfCustomersServicer:
    """GetCustomerInsights of CustomersService: the same answer."""

    def __init__(self, insights: CustomerInsights) -> None:
        self._insights = insights

    async def GetCustomerInsights(
        self, request: insights_pb2.GetCustomerInsightsRequest, _context: object
    ) -> insights_pb2.GetCustomerInsightsResponse:
        found = await self._insights.of_customer(
            current_caller().scope, UUID(request.venue_id), UUID(request.customer_id)
        )
        return insights_pb2.GetCustomerInsightsResponse(
            insights=mapping.customer_insight_messages(found), as_of=timestamp_of(found.newest_fact_at)
        )
