"""gRPC: the methods of three services about segments."""

from uuid import UUID

from tickettoken.customers.v1 import segments_pb2

from libs.common.context import current_caller
from services.customers.people.identity import caller_sees_pii
from services.customers.segments.answers import SegmentAnswers
from services.customers.segments.definitions import SegmentDefinitions
from services.customers.segments.listing import CustomerListing
from services.customers.segments.listing_mapping import page_message


class SegmentsServicer:
    """CustomersService's methods about segments."""

    def __init__(self, answers: SegmentAnswers, definitions: SegmentDefinitions) -> None:
        self._answers = answers
        self._definitions = definitions

    async def ListCustomerSegments(
        self, request: segments_pb2.ListCustomerSegmentsRequest, _context: object
    ) -> segments_pb2.ListCustomerSegmentsResponse:
        return await self._answers.report(current_caller().scope, UUID(request.venue_id))

    async def AnalyzeSegment(
        self, request: segments_pb2.AnalyzeSegmentRequest, _context: object
    ) -> segments_pb2.AnalyzeSegmentResponse:
        return await self._answers.analysis(current_caller().scope, UUID(request.venue_id), request.segment)

    async def CreateSegment(
        self, request: segments_pb2.CreateSegmentRequest, _context: object
    ) -> segments_pb2.CreateSegmentResponse:
        caller = current_caller()
        await self._definitions.create(caller, request)
        segment = await self._answers.one(caller.scope, UUID(request.venue_id), request.name)
        return segments_pb2.CreateSegmentResponse(segment=segment)

    async def DeleteSegment(
        self, request: segments_pb2.DeleteSegmentRequest, _context: object
    ) -> segments_pb2.DeleteSegmentResponse:
        await self._definitions.delete(current_caller(), UUID(request.venue_id), request.segment)
        return segments_pb2.DeleteSegmentResponse()


class SegmentFiguresServicer:
    """CustomerAnalyticsService's method about segments."""

    def __init__(self, answers: SegmentAnswers) -> None:
        self._answers = answers

    async def GetSegments(
        self, request: segments_pb2.GetSegmentsRequest, _context: object
    ) -> segments_pb2.GetSegmentsResponse:
        venue_id = UUID(request.venue_id) if request.venue_id else None
        found = await self._answers.report(current_caller().scope, venue_id)
        return segments_pb2.GetSegmentsResponse(
            segments=found.segments,
            customer_count=found.customer_count,
            scoring=found.scoring if found.HasField("scoring") else None,
            as_of=found.as_of if found.HasField("as_of") else None,
        )


class VenueCustomersServicer:
    """InsightsService's methods about customers of a venue."""

    def __init__(self, answers: SegmentAnswers, listing: CustomerListing) -> None:
        self._answers = answers
        self._listing = listing

    async def ListVenueCustomerSegments(
        self, request: segments_pb2.ListVenueCustomerSegmentsRequest, _context: object
    ) -> segments_pb2.ListVenueCustomerSegmentsResponse:
        found = await self._answers.report(current_caller().scope, UUID(request.venue_id))
        return segments_pb2.ListVenueCustomerSegmentsResponse(
            segments=found.segments,
            customer_count=found.customer_count,
            scoring=found.scoring if found.HasField("scoring") else None,
            as_of=found.as_of if found.HasField("as_of") else None,
        )

    async def ListVenueCustomers(
        self, request: segments_pb2.ListVenueCustomersRequest, _context: object
    ) -> segments_pb2.ListVenueCustomersResponse:
        page = await self._listing.page(current_caller().scope, request)
        return page_message(page, shows_pii=caller_sees_pii())
