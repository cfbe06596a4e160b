"""The overview over gRPC: published, read back at once, refused with a reason, and each tenant its own."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.metrics.v1 import ingest_service_pb2, overview_pb2

from services.metrics.overview.windows import GRANULARITIES
from tests.metrics.serving import bad_fields, eventually_equal, refused
from tests.platform import events as make

BERLIN = ZoneInfo("Europe/Berlin")


async def publish(client, *events):
    sent = [Event.FromString(event.SerializeToString()) for event in events]
    request = ingest_service_pb2.PublishEventsRequest(events=sent)
    return await client.ingest.PublishEvents(request, metadata=client.metadata)


def realtime(client, venue=""):
    request = overview_pb2.GetRealtimeSummaryRequest(venue_id=str(venue))
    return client.analytics.GetRealtimeSummary(request, metadata=client.metadata)


def dashboard(client, venue="", **terms):
    request = overview_pb2.GetDashboardDataRequest(venue_id=str(venue), **terms)
    return client.analytics.GetDashboardData(request, metadata=client.metadata)


async def test_today_shows_what_was_published_at_once(metrics_process):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    async with metrics_process.client(tenant) as client:
        now = datetime.now(UTC)
        await publish(
            client,
            make.venue_updated(tenant, venue),
            make.event_created(tenant, venue, show, name="Tonight", starts_at=now),
            make.order_completed(tenant, venue, lines=[(3, 500)], show=show, session_id="s", at=now),
            make.page_viewed(tenant, venue, "s", at=now),
            make.ticket_scanned(tenant, venue, show=show, at=now),
        )

        async def seen():
            answer = await realtime(client, venue)
            found = (answer.orders, answer.tickets, answer.visitors, answer.scans)
            return [one.current for one in found], answer.active_session_count, answer.events_today_count

        assert await eventually_equal(seen, ([1, 3, 1, 1], 1, 1), within_seconds=30)
        answer = await realtime(client, venue)
        # The answer is remembered; another order has to end it within the same minute.
        await publish(client, make.order_completed(tenant, venue, show=show, at=datetime.now(UTC)))
        assert await eventually_equal(seen, ([2, 4, 1, 1], 1, 1), within_seconds=30)

    assert (answer.time_zone, answer.conversion.current, answer.orders_last_hour_count) == (
        "Europe/Berlin",
        1.0,
        1,
    )
    (money,) = answer.net_revenue
    assert (money.current.currency, money.current.amount_minor, money.previous.amount_minor) == (
        "EUR",
        1_500,
        0,
    )
    assert answer.events_today[0].event_name == "Tonight"
    assert answer.as_of.ToDatetime(UTC) == now
    start, before = (
        one.start_time.ToDatetime(UTC).astimezone(BERLIN) for one in (answer.window, answer.previous_window)
    )
    assert (start.hour, before.hour, start.date() - before.date()) == (0, 0, timedelta(days=7))


async def test_the_page_shows_what_was_published_at_once(metrics_process):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    async with metrics_process.client(tenant) as client:
        now = datetime.now(UTC)
        await publish(
            client,
            make.venue_updated(tenant, venue, time_zone="Asia/Kathmandu"),
            make.event_created(tenant, venue, show, name="Soon", starts_at=now + timedelta(days=2)),
            make.order_completed(tenant, venue, lines=[(3, 500)], show=show, session_id="s", at=now),
            make.page_viewed(tenant, venue, "s", at=now),
        )

        async def seen():
            answer = await dashboard(client, venue)
            found = (answer.orders, answer.tickets, answer.visitors)
            return [one.current for one in found], [one.event_name for one in answer.upcoming_events]

        assert await eventually_equal(seen, ([1, 3, 1], ["Soon"]), within_seconds=30)
        await publish(client, make.order_completed(tenant, venue, at=datetime.now(UTC)))
        assert await eventually_equal(seen, ([2, 4, 1], ["Soon"]), within_seconds=30)
        pages = {period: await dashboard(client, venue, period=period) for period in GRANULARITIES}
        tenants = await dashboard(client)

    assert {page.orders.current for page in pages.values()} == {2}
    assert {page.time_zone for page in pages.values()} == {"Asia/Kathmandu"}
    week = pages["7d"]
    assert (len(week.sales), len(pages["30d"].sales), len(pages["90d"].sales)) == (7, 30, 90)
    assert week.sales[-1].order_count == 2
    assert [(one.event_name, one.rank) for one in week.top_events] == [("Soon", 1)]
    assert week.revenue[0].net.amount_minor == 2_500
    assert (list(week.unavailable_parts), week.HasField("customers")) == (["customers"], False)
    assert (tenants.time_zone, tenants.orders.current, len(tenants.sales)) == ("UTC", 2, 30)


async def test_what_is_not_the_callers_is_not_found(metrics_process):
    owner, stranger, venue, other = (uuid4() for _ in range(4))
    now, no_venue = datetime.now(UTC), ("NOT_FOUND", "VENUE_NOT_FOUND")
    async with metrics_process.client(owner) as client:
        await publish(
            client,
            make.order_completed(owner, venue, at=now),
            make.order_completed(owner, other, lines=[(2, 100)], at=now),
        )

        async def tickets():
            return (await realtime(client)).tickets.current

        assert await eventually_equal(tickets, 3, within_seconds=30)
        assert await refused(realtime(client, uuid4())) == no_venue
        assert await refused(dashboard(client, uuid4())) == no_venue
    for caller, count in (
        (metrics_process.client(stranger), 0),
        (metrics_process.client(owner, venue_ids=[other]), 2),
    ):
        async with caller as client:
            assert await refused(realtime(client, venue)) == no_venue
            assert await refused(dashboard(client, venue)) == no_venue
            assert (await realtime(client)).tickets.current == count
            assert (await dashboard(client)).tickets.current == count


async def test_bad_requests_name_their_fields(metrics_process):
    async with metrics_process.client(uuid4()) as client:
        assert await bad_fields(dashboard(client, period="14d")) == ["period"]
        assert await bad_fields(dashboard(client, "7")) == ["venueId"]
        assert await bad_fields(realtime(client, "7")) == ["venueId"]


@pytest.mark.parametrize("permissions", [[], ["analytics.write"]])
async def test_each_call_needs_its_permission(metrics_process, permissions):
    async with metrics_process.client(uuid4(), permissions=permissions) as client:
        for call in (realtime(client), dashboard(client)):
            assert (await refused(call))[0] == "PERMISSION_DENIED"
