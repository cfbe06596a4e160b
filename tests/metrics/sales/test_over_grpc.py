"""Sales over gRPC: published, read back, refused with a reason, and each tenant its own."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.metrics.v1 import ingest_service_pb2, performance_pb2, revenue_pb2, sales_pb2

from tests.metrics.serving import bad_fields, eventually_equal, refused
from tests.platform import events as make
from tests.platform.events import NOON

DAY = timedelta(days=1)


async def publish(client, events):
    sent = [Event.FromString(event.SerializeToString()) for event in events]
    request = ingest_service_pb2.PublishEventsRequest(events=sent)
    return await client.ingest.PublishEvents(request, metadata=client.metadata)


def asked(request, start, end):
    request.start_date.FromDatetime(start)
    request.end_date.FromDatetime(end)
    return request


def channels(client, start=NOON - DAY, end=NOON + DAY, venue=""):
    request = revenue_pb2.GetRevenueByChannelRequest(venue_id=str(venue))
    return client.analytics.GetRevenueByChannel(asked(request, start, end), metadata=client.metadata)


def sales(client, start=NOON - DAY, end=NOON + DAY, **terms):
    request = sales_pb2.GetSalesMetricsRequest(**{name: str(value) for name, value in terms.items()})
    return client.analytics.GetSalesMetrics(asked(request, start, end), metadata=client.metadata)


def top(client, start=NOON - DAY, end=NOON + DAY, **terms):
    request = performance_pb2.ListTopPerformingEventsRequest(**terms)
    return client.analytics.ListTopPerformingEvents(asked(request, start, end), metadata=client.metadata)


async def orders(client):
    return sum(one.figures.order_count for one in (await channels(client)).channels)


async def test_channels_by_currency_and_net(metrics_process):
    tenant, venue, order = uuid4(), uuid4(), uuid4()
    log = [
        make.order_completed(tenant, venue, order, channel="web", lines=[(3, 1_000)]),
        make.order_refunded(tenant, venue, order, amount=2_500, at=NOON + 9 * DAY),
        make.order_completed(tenant, venue, channel="mobile", lines=[(1, 1_000)], fees=100),
        make.order_completed(tenant, venue, channel="web", currency="CHF", lines=[(1, 0)]),
    ]
    async with metrics_process.client(tenant) as client:
        await publish(client, log)
        assert await eventually_equal(lambda: orders(client), 3, within_seconds=30)
        answer = await channels(client, venue=venue)

    found = [(one.figures.currency, one.channel, one.figures.net.amount_minor) for one in answer.channels]
    assert found == [("CHF", "web", 0), ("EUR", "mobile", 900), ("EUR", "web", 500)]
    free, mobile, web = answer.channels
    assert not free.HasField("gross_share_ratio")
    assert (mobile.gross_share_ratio, web.gross_share_ratio) == (0.25, 0.75)
    assert answer.window.start_time.ToDatetime(UTC) == NOON - DAY


async def test_buckets_are_those_of_the_venues_days(metrics_process):
    tenant, venue, show, other = (uuid4() for _ in range(4))
    turn = datetime(2026, 3, 29, tzinfo=UTC)
    in_spring = [
        turn - timedelta(hours=1),
        turn + timedelta(hours=21, minutes=59),
        turn + timedelta(hours=22),
    ]
    log = [make.venue_updated(tenant, venue), make.event_created(tenant, venue, show)]
    log += [
        make.order_completed(tenant, venue, lines=[(1, 100, None, show), (1, 100, None, other)], at=at)
        for at in in_spring
    ]
    start, end = turn - timedelta(hours=30), turn + timedelta(hours=30)
    async with metrics_process.client(tenant) as client:

        async def seen():
            answer = await sales(client, start, end, venue_id=venue, event_id=show)
            return [(bucket.start_time.ToDatetime(UTC), bucket.order_count) for bucket in answer.buckets]

        await publish(client, log)
        days = [turn - timedelta(hours=hours) for hours in (49, 25, 1)] + [turn + timedelta(hours=22)]
        expected = list(zip(days, [0, 0, 2, 1], strict=True))
        in_utc = [(turn - 2 * DAY, 0), (turn - DAY, 1), (turn, 2), (turn + DAY, 0)]

        async def whole():
            return [one.order_count for one in (await sales(client, start, end)).totals]

        assert await eventually_equal(whole, [3], within_seconds=30)
        assert await seen() == expected
        of_both = await sales(client, start, end)
        of_show = await sales(client, start, end, event_id=show, granularity="month")
        kathmandu = await sales(client, start, end, venue_id=venue, time_zone="Asia/Kathmandu")

    assert [(one.start_time.ToDatetime(UTC), one.order_count) for one in of_both.buckets] == in_utc
    assert (of_both.time_zone, of_both.granularity, of_both.totals[0].ticket_count) == ("UTC", "day", 6)
    assert [(one.ticket_count, one.figures[0].gross.amount_minor) for one in of_show.buckets] == [(3, 300)]
    assert {one.start_time.ToDatetime(UTC).strftime("%H:%M") for one in kathmandu.buckets} == {"18:15"}
    assert sum(one.order_count for one in kathmandu.buckets) == 3
    assert of_both.as_of.ToDatetime(UTC) == in_spring[-1]


async def test_the_best_shows(metrics_process):
    tenant, venue, first, second = (uuid4() for _ in range(4))
    log = [
        make.event_created(tenant, venue, first, name="Aida", capacity=10, starts_at=NOON + 60 * DAY),
        make.order_completed(tenant, venue, lines=[(5, 100)], show=first, at=NOON - DAY / 2),
        make.order_completed(tenant, venue, lines=[(2, 900)], show=second),
    ]
    async with metrics_process.client(tenant) as client:
        await publish(client, log)
        assert await eventually_equal(lambda: orders(client), 2, within_seconds=30)
        by_revenue, by_tickets = await top(client), await top(client, order_by="tickets", limit=1)
        by_velocity = await top(client, order_by="velocity", venue_id=str(venue))

    assert [(one.rank, one.event_id) for one in by_revenue.events] == [(1, str(second)), (2, str(first))]
    (aida,) = by_tickets.events
    assert (aida.event_name, aida.venue_id, aida.ticket_count) == ("Aida", str(venue), 5)
    assert (aida.sell_through_ratio, aida.tickets_per_day) == (0.5, 5 / 1.5)
    assert not by_revenue.events[0].HasField("sell_through_ratio")
    assert by_revenue.events[0].event_name == ""
    assert [one.event_id for one in by_velocity.events] == [str(first), str(second)]


async def test_what_is_not_the_callers_is_not_found(metrics_process):
    owner, stranger, venue, other, show = (uuid4() for _ in range(5))
    log = [make.order_completed(owner, venue, show=show), make.order_completed(owner, other)]
    no_venue, no_event = ("NOT_FOUND", "VENUE_NOT_FOUND"), ("NOT_FOUND", "EVENT_NOT_FOUND")
    async with metrics_process.client(owner) as client:
        await publish(client, log)
        assert await eventually_equal(lambda: orders(client), 2, within_seconds=30)
        assert await refused(sales(client, event_id=uuid4())) == no_event
        assert await refused(sales(client, event_id=show, venue_id=other)) == no_event
        for call in (channels(client, venue=uuid4()), top(client, venue_id=str(uuid4()))):
            assert await refused(call) == no_venue
    for caller in (
        metrics_process.client(stranger),
        metrics_process.client(owner, venue_ids=[other]),
    ):
        async with caller as client:
            assert await refused(channels(client, venue=venue)) == no_venue
            assert await refused(sales(client, venue_id=venue)) == no_venue
            assert await refused(top(client, venue_id=str(venue))) == no_venue
            assert await refused(sales(client, event_id=show)) == no_event
            assert [one.event_id for one in (await top(client)).events] == []


async def test_bad_requests_name_their_fields(metrics_process):
    async with metrics_process.client(uuid4()) as client:
        assert await bad_fields(sales(client, granularity="year")) == ["granularity"]
        assert await bad_fields(sales(client, time_zone="Mars/Base")) == ["timeZone"]
        assert await bad_fields(sales(client, event_id="7")) == ["eventId"]
        assert await bad_fields(channels(client, venue="7")) == ["venueId"]
        assert await bad_fields(top(client, limit=101)) == ["limit"]
        assert await bad_fields(top(client, order_by="fame")) == ["orderBy"]
        for call in (channels, sales, top):
            assert await refused(call(client, NOON, NOON)) == ("INVALID_ARGUMENT", "INVALID_FIELD")
        hours = sales(client, NOON, NOON + timedelta(hours=2001), granularity="hour")
        assert await refused(hours) == ("INVALID_ARGUMENT", "WINDOW_TOO_WIDE")
        whole = await sales(client, NOON, NOON + timedelta(hours=2000), granularity="hour")
        assert len(whole.buckets) == 2000


@pytest.mark.parametrize("permissions", [[], ["analytics.write"]])
async def test_each_call_needs_its_permission(metrics_process, permissions):
    async with metrics_process.client(uuid4(), permissions=permissions) as client:
        for call in (channels(client), sales(client), top(client)):
            assert (await refused(call))[0] == "PERMISSION_DENIED"
