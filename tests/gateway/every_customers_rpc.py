"""One telling request for every method of the customers contract, and a venue that answers it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

from google.protobuf.message import Message
from tickettoken.common.v1.money_pb2 import Money
from tickettoken.customers.v1 import (
    attribution_pb2,
    campaigns_pb2,
    churn_pb2,
    cohorts_pb2,
    insights_pb2,
    journey_pb2,
    lifetime_pb2,
    preferences_pb2,
    privacy_pb2,
    profile_pb2,
    rfm_pb2,
    search_pb2,
    segments_pb2,
    touchpoints_pb2,
)
from tickettoken.events.v1 import customers_pb2
from tickettoken.events.v1.envelope_pb2 import Event

from tests.platform import events as make

DAY = timedelta(days=1)
GUESTS = 200


class World:
    """A tenant with one venue, whose sales stop two weeks ago; its guests have names, orders and touchpoints.

    Attributes:
        campaign: Set once it was created, with its etag.
        insight: Set once one was found.
        leaving: Who is erased in the end; nobody else asks about them.
    """

    def __init__(self) -> None:
        self.tenant, self.venue, self.show = uuid4(), uuid4(), uuid4()
        self.guests = [uuid4() for _ in range(GUESTS)]
        self.guest, self.leaving = self.guests[0], self.guests[-1]
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.campaign = campaigns_pb2.Campaign()
        self.insight = ""
        self.erasure = ""

    def events(self) -> list[Event]:
        """Everything that happened."""
        about, now, chance = (self.tenant, self.venue), self.now, Random(7)
        told = [make.venue_updated(*about), make.event_created(*about, self.show, genre="jazz")]
        for place, guest in enumerate(self.guests):
            profile = customers_pb2.CustomerProfile(
                name=f"Guest Ottokar{place}",
                email=f"guest{place}@example.org",
                phone=f"+4930555{place:05}",
                city="Quedlinburg",
                tags=["steht-auf-cello"],
                marketing_consent=place % 2 == 0,
            )
            state = customers_pb2.CustomerRegistered(customer_id=str(guest), profile=profile)
            told.append(make.event(self.tenant, None, guest, at=now - 400 * DAY, customer_registered=state))
            # Each guest has an own pace, and may stay away for good after any order: else no model is found.
            day, pace, loss = (
                chance.uniform(200, 360),
                chance.gammavariate(0.8, 1 / 20),
                chance.betavariate(1, 3),
            )
            usual = chance.gammavariate(4, 1_200)
            while day > 14:
                told.append(self._order(guest, now - day * DAY, 1 + int(chance.gammavariate(6, usual / 6))))
                day -= 1 + chance.expovariate(pace) if chance.random() > loss else 400
            told.append(
                make.campaign_touchpoint(
                    *about, channel=chance.choice(["email", "social"]), customer=guest, at=now - 380 * DAY
                )
            )
        # Whom every question is about certainly bought something.
        told.append(self._order(self.guest, now - 15 * DAY, 5_000))
        return told

    def _order(self, guest: UUID, at: datetime, price: int) -> Event:
        return make.order_completed(
            self.tenant, self.venue, lines=((1, price, None, self.show),), customer=guest, at=at
        )


def _within(world: World, message: Message) -> Message:
    message.start_date.FromDatetime(world.now.replace(minute=0, second=0) - 390 * DAY)
    message.end_date.FromDatetime(world.now.replace(minute=0, second=0) + DAY)
    return message


Make = Callable[[World], Message]


def _venue(message: type[Message], **fields: object) -> Make:
    return lambda world: message(venue_id=str(world.venue), **fields)


def _guest(message: type[Message], **fields: object) -> Make:
    return lambda world: message(venue_id=str(world.venue), customer_id=str(world.guest), **fields)


def _user(message: type[Message]) -> Make:
    return lambda world: message(user_id=str(world.guest))


def _campaign(message: type[Message], **fields: object) -> Make:
    return lambda world: message(campaign_id=world.campaign.campaign_id, **fields)


def _insight(message: type[Message], **fields: object) -> Make:
    return lambda world: message(insight_id=world.insight, **fields)


def _segment(name: str) -> Make:
    return _venue(
        segments_pb2.CreateSegmentRequest,
        name=name,
        predicate=segments_pb2.SegmentPredicate(
            conditions=[segments_pb2.SegmentCondition(field="order_count", operator=">=", number=2)]
        ),
    )


REQUESTS: Mapping[str, Make] = {
    "GetCustomerProfile": _guest(profile_pb2.GetCustomerProfileRequest),
    "GetCustomerInsights": _guest(insights_pb2.GetCustomerInsightsRequest),
    "GetCustomerJourney": _guest(journey_pb2.GetCustomerJourneyRequest),
    "GetLifetimeValue": _guest(lifetime_pb2.GetLifetimeValueRequest),
    "GetRfm": _guest(rfm_pb2.GetRfmRequest),
    "SearchCustomers": _venue(search_pb2.SearchCustomersRequest, q="guest"),
    "ListCustomerSegments": _venue(segments_pb2.ListCustomerSegmentsRequest),
    "AnalyzeSegment": _venue(segments_pb2.AnalyzeSegmentRequest, segment="champions"),
    "CreateSegment": _segment("regulars"),
    "DeleteSegment": _venue(segments_pb2.DeleteSegmentRequest, segment="regulars"),
    "GetSegments": _venue(segments_pb2.GetSegmentsRequest),
    "GetLifetimeValueSummary": _venue(lifetime_pb2.GetLifetimeValueSummaryRequest),
    "PredictChurn": _guest(churn_pb2.PredictChurnRequest),
    "GetChurnRisk": _venue(churn_pb2.GetChurnRiskRequest, threshold=14, page_size=3),
    "PredictLifetimeValue": _guest(lifetime_pb2.PredictLifetimeValueRequest),
    "ListInsights": _venue(insights_pb2.ListInsightsRequest),
    "GetInsightStats": _venue(insights_pb2.GetInsightStatsRequest),
    "RefreshInsights": _venue(insights_pb2.RefreshInsightsRequest),
    "GetInsight": _insight(insights_pb2.GetInsightRequest),
    "TakeInsightAction": _insight(insights_pb2.TakeInsightActionRequest, action="called_box_office"),
    "DismissInsight": _insight(insights_pb2.DismissInsightRequest, reason="known"),
    "ListCustomerInsights": _guest(insights_pb2.ListCustomerInsightsRequest),
    "GetCohortAnalysis": _venue(cohorts_pb2.GetCohortAnalysisRequest),
    "GetUserProfile": _user(profile_pb2.GetUserProfileRequest),
    "GetUserPreferences": _user(preferences_pb2.GetUserPreferencesRequest),
    "ListVenueCustomerSegments": _venue(segments_pb2.ListVenueCustomerSegmentsRequest),
    "ListVenueCustomers": _venue(segments_pb2.ListVenueCustomersRequest, page_size=3),
    "CreateCampaign": _venue(
        campaigns_pb2.CreateCampaignRequest, name="Autumn", channel="email", type="email"
    ),
    "UpdateCampaign": lambda world: campaigns_pb2.UpdateCampaignRequest(
        campaign_id=world.campaign.campaign_id,
        name="Autumn again",
        spend=Money(amount_minor=5_000, currency="EUR"),
        etag=world.campaign.etag,
    ),
    "GetCampaign": _campaign(campaigns_pb2.GetCampaignRequest),
    "ListCampaigns": _venue(campaigns_pb2.ListCampaignsRequest),
    "GetCampaignPerformance": _campaign(attribution_pb2.GetCampaignPerformanceRequest),
    "GetCampaignAttribution": _campaign(attribution_pb2.GetCampaignAttributionRequest, model="linear"),
    "GetCampaignRoi": _campaign(attribution_pb2.GetCampaignRoiRequest, model="linear"),
    "GetChannelPerformance": lambda world: _within(
        world, attribution_pb2.GetChannelPerformanceRequest(venue_id=str(world.venue), model="last_touch")
    ),
    "TrackTouchpoint": _guest(touchpoints_pb2.TrackTouchpointRequest, channel="email", action="click"),
    "ExportCustomerData": lambda world: privacy_pb2.ExportCustomerDataRequest(customer_id=str(world.guest)),
    "EraseCustomer": lambda world: privacy_pb2.EraseCustomerRequest(
        customer_id=str(world.leaving), reason="asked to be forgotten"
    ),
    "GetErasure": lambda world: privacy_pb2.GetErasureRequest(erasure_id=world.erasure),
}
"""What to ask each method, in an order in which each finds what the ones before it made."""

NOT_OVER_REST = {"AnonymizeDataset"}
"""A route is not documented: gRPC only."""
