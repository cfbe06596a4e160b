"""gRPC: CampaignsService's touchpoints."""

from uuid import UUID

from tickettoken.customers.v1 import touchpoints_pb2

from libs.common.context import current_caller
from libs.common.moments import timestamp_of
from services.customers.touchpoints.tracking import Tracked, Tracking


class TouchpointsServicer:
    """TrackTouchpoint."""

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking

    async def TrackTouchpoint(
        self, request: touchpoints_pb2.TrackTouchpointRequest, _context: object
    ) -> touchpoints_pb2.TrackTouchpointResponse:
        tracked = Tracked(
            venue_id=UUID(request.venue_id),
            customer_id=UUID(request.customer_id),
            channel=request.channel,
            kind=request.action,
            value=request.value if request.HasField("value") else None,
            campaign_id=UUID(request.campaign) if request.campaign else None,
            metadata=request.metadata if request.HasField("metadata") else None,
        )
        touchpoint_id, at = await self._tracking.track(current_caller().scope, tracked)
        return touchpoints_pb2.TrackTouchpointResponse(
            touchpoint_id=touchpoint_id, occurred_time=timestamp_of(at)
        )
