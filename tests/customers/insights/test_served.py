"""Insights and cohorts over gRPC, with a token."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from google.protobuf.struct_pb2 import Struct
from tickettoken.customers.v1 import cohorts_pb2, insights_pb2

from libs.common.bus.consumer import service_caller
from libs.common.context import acting_as
from services.customers.cohorts.reader import CohortReader
from services.customers.insights.gathering import Gathering
from services.customers.insights.refreshing import Refreshing
from tests.customers.insights.conftest import History
from tests.customers.insights.quiet import DAY
from tests.metrics.serving import bad_fields, refused


@pytest.fixture
async def venue(handler):
    """A venue that sold every day until the day before the day before yesterday, and nothing since."""
    history = History()
    customer = uuid4()
    now = datetime.now(UTC)
    for back in range(4, 120):
        history.buy(
            now - back * DAY, net=2_000 + 10 * (back % 13), customer=customer if back % 9 == 0 else None
        )
    await history.tell(handler)
    history.customer = customer
    return history


@pytest.fixture
async def client(customers_process, venue):
    async with customers_process.client(venue.tenant_id) as client:
        yield client


def ask(client, method, request):
    return getattr(client.insights, method)(request, metadata=client.metadata, timeout=20)


async def refreshed(client, venue):
    return await ask(
        client, "RefreshInsights", insights_pb2.RefreshInsightsRequest(venue_id=str(venue.venue_id))
    )


async def test_a_refresh_finds_lost_data_and_everything_tells_of_it(client, venue):
    done = await refreshed(client, venue)
    again = await refreshed(client, venue)

    listed = await ask(client, "ListInsights", insights_pb2.ListInsightsRequest(venue_id=str(venue.venue_id)))
    stats = await ask(
        client, "GetInsightStats", insights_pb2.GetInsightStatsRequest(venue_id=str(venue.venue_id))
    )
    [insight] = listed.insights
    one = await ask(client, "GetInsight", insights_pb2.GetInsightRequest(insight_id=insight.insight_id))
    assert (done.created_count, again.created_count, again.updated_count) == (1, 0, 1)
    assert (insight.type, insight.priority, insight.state) == ("data_freshness", "high", "open")
    assert insight.evidence.measure == "silent_days"
    assert insight.evidence.value == 3
    assert insight.evidence.window.end_time.ToDatetime() > insight.evidence.window.start_time.ToDatetime()
    assert 0 < insight.evidence.p_value <= insight.evidence.adjusted_p_value <= 0.05
    assert one.insight == insight
    assert dict(stats.count_by_state) == {"open": 1, "dismissed": 0, "actioned": 0, "expired": 0}
    assert dict(stats.open_count_by_type) == {"data_freshness": 1}
    assert dict(stats.open_count_by_priority) == {"low": 0, "medium": 0, "high": 1}
    assert (stats.insight_count, stats.actionable_count, stats.test_count) == (1, 1, done.test_count)
    assert not stats.HasField("actioned_ratio")
    assert stats.as_of == done.as_of == insight.as_of == listed.as_of
    assert stats.false_discovery_rate == 0.05


async def test_findings_are_dismissed_and_acted_on(client, venue):
    await refreshed(client, venue)
    listed = await ask(client, "ListInsights", insights_pb2.ListInsightsRequest(venue_id=str(venue.venue_id)))
    insight_id = listed.insights[0].insight_id
    parameters = Struct()
    parameters.update({"ticket": "OPS-1", "urgent": True})

    dismissed = await ask(
        client, "DismissInsight", insights_pb2.DismissInsightRequest(insight_id=insight_id, reason="closed")
    )
    acted = await ask(
        client,
        "TakeInsightAction",
        insights_pb2.TakeInsightActionRequest(
            insight_id=insight_id, action="check_data_feed", parameters=parameters
        ),
    )

    stats = await ask(
        client, "GetInsightStats", insights_pb2.GetInsightStatsRequest(venue_id=str(venue.venue_id))
    )
    waiting = await ask(
        client,
        "ListInsights",
        insights_pb2.ListInsightsRequest(venue_id=str(venue.venue_id), actionable=True),
    )
    assert (dismissed.insight.state, dismissed.insight.dismiss_reason) == ("dismissed", "closed")
    assert acted.insight.state == "actioned"
    assert list(acted.insight.actions) == [acted.action]
    assert acted.action.parameters == parameters
    assert stats.actioned_ratio == 1
    assert not waiting.insights


async def test_an_idempotency_key_takes_an_action_once(client, venue):
    await refreshed(client, venue)
    listed = await ask(client, "ListInsights", insights_pb2.ListInsightsRequest(venue_id=str(venue.venue_id)))
    request = insights_pb2.TakeInsightActionRequest(insight_id=listed.insights[0].insight_id, action="call")

    first, second = [
        await client.insights.TakeInsightAction(request, metadata=client.with_key("one"), timeout=20)
        for _ in range(2)
    ]

    assert first == second
    assert len(second.insight.actions) == 1


async def test_a_customers_findings_are_the_same_on_both_routes(client, venue):
    ids = {"venue_id": str(venue.venue_id), "customer_id": str(venue.customer)}

    listed = await ask(client, "ListCustomerInsights", insights_pb2.ListCustomerInsightsRequest(**ids))
    got = await client.customers.GetCustomerInsights(
        insights_pb2.GetCustomerInsightsRequest(**ids), metadata=client.metadata, timeout=20
    )

    assert list(listed.insights) == list(got.insights)
    assert listed.as_of == got.as_of
    assert listed.HasField("as_of")


async def test_cohorts_follow_a_venues_customers_until_now(client, venue):
    answer = await ask(
        client, "GetCohortAnalysis", cohorts_pb2.GetCohortAnalysisRequest(venue_id=str(venue.venue_id))
    )

    assert answer.granularity == "month"
    assert sum(cohort.customer_count for cohort in answer.cohorts) == len(
        {event.order_completed.customer_id for event in venue.log if event.type == "order.completed"}
    )
    assert answer.cohorts[-1].cells[0].is_running


@pytest.mark.parametrize(
    ("method", "request_type"),
    [
        ("ListInsights", insights_pb2.ListInsightsRequest),
        ("GetInsightStats", insights_pb2.GetInsightStatsRequest),
        ("RefreshInsights", insights_pb2.RefreshInsightsRequest),
        ("GetCohortAnalysis", cohorts_pb2.GetCohortAnalysisRequest),
    ],
)
async def test_venues_of_others_and_ungranted_ones_are_not_found(
    customers_process, venue, method, request_type
):
    request = request_type(venue_id=str(venue.venue_id))

    for tenant_id, token in ((uuid4(), {}), (venue.tenant_id, {"venue_ids": [uuid4()]})):
        async with customers_process.client(tenant_id, **token) as stranger:
            assert await refused(ask(stranger, method, request)) == ("NOT_FOUND", "VENUE_NOT_FOUND")


async def test_findings_and_customers_that_do_not_exist_are_not_found(client, venue):
    unknown = str(uuid4())

    for method, request in (
        ("GetInsight", insights_pb2.GetInsightRequest(insight_id=unknown)),
        ("DismissInsight", insights_pb2.DismissInsightRequest(insight_id=unknown)),
        ("TakeInsightAction", insights_pb2.TakeInsightActionRequest(insight_id=unknown, action="call")),
    ):
        assert await refused(ask(client, method, request)) == ("NOT_FOUND", "INSIGHT_NOT_FOUND")
    request = insights_pb2.ListCustomerInsightsRequest(venue_id=str(venue.venue_id), customer_id=unknown)
    assert await refused(ask(client, "ListCustomerInsights", request)) == ("NOT_FOUND", "CUSTOMER_NOT_FOUND")


async def test_a_finding_whose_time_is_over_takes_no_more_judgement(client, venue, database, venues, cache):
    early = datetime.now(UTC) - timedelta(days=10)
    old = Refreshing(database, venues, Gathering(database, CohortReader(database)), cache, now=lambda: early)
    await refreshed(client, venue)
    listed = await ask(client, "ListInsights", insights_pb2.ListInsightsRequest(venue_id=str(venue.venue_id)))
    insight_id = listed.insights[0].insight_id
    with acting_as(service_caller("customers", venue.tenant_id)):
        await old.refresh(venue.scope, venue.venue_id)

    for method, request in (
        ("DismissInsight", insights_pb2.DismissInsightRequest(insight_id=insight_id)),
        ("TakeInsightAction", insights_pb2.TakeInsightActionRequest(insight_id=insight_id, action="call")),
    ):
        assert await refused(ask(client, method, request)) == ("FAILED_PRECONDITION", "INSIGHT_EXPIRED")


async def test_bad_requests_name_their_fields(client, venue):
    id_ = str(venue.venue_id)

    for method, request, fields in (
        (
            "ListInsights",
            insights_pb2.ListInsightsRequest(venue_id="x", type="y", priority="z"),
            {"venueId", "type", "priority"},
        ),
        ("TakeInsightAction", insights_pb2.TakeInsightActionRequest(insight_id=id_), {"action"}),
        (
            "GetCohortAnalysis",
            cohorts_pb2.GetCohortAnalysisRequest(venue_id=id_, granularity="day", measure="x"),
            {"granularity", "measure"},
        ),
    ):
        assert set(await bad_fields(ask(client, method, request))) == fields
    damaged = insights_pb2.ListInsightsRequest(venue_id=id_, page_token="x")
    assert await refused(ask(client, "ListInsights", damaged)) == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")
    wide = cohorts_pb2.GetCohortAnalysisRequest(
        venue_id=id_, granularity="week", start_date=datetime.now(UTC) - timedelta(days=2000)
    )
    assert await refused(ask(client, "GetCohortAnalysis", wide)) == ("INVALID_ARGUMENT", "WINDOW_TOO_WIDE")


async def test_reading_findings_needs_reading_and_judging_needs_writing(customers_process, venue):
    async with customers_process.client(venue.tenant_id, permissions=["analytics.read"]) as reader:
        request = insights_pb2.RefreshInsightsRequest(venue_id=str(venue.venue_id))
        assert await refused(ask(reader, "RefreshInsights", request)) == (
            "PERMISSION_DENIED",
            "PERMISSION_MISSING",
        )
