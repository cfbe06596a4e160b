"""GetSalesTrends over gRPC: published, read back, refused with a reason, and each tenant its own."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.metrics.v1 import ingest_service_pb2, sales_pb2

from tests.metrics.read_models.test_read_models import deliver
from tests.metrics.serving import bad_fields, eventually_equal, refused
from tests.platform import events as make

DAY = timedelta(days=1)
START = datetime(2026, 3, 8, 23, tzinfo=UTC)
"""Midnight in Berlin; the clocks are turned within the 21st day from here."""
MIDNIGHT = [START + number * DAY - timedelta(hours=number >= 21) for number in range(41)]


def ask(client, start=START, end=MIDNIGHT[40], **terms):
    request = sales_pb2.GetSalesTrendsRequest(**{name: str(of) for name, of in terms.items()})
    for field, moment in ((request.start_date, start), (request.end_date, end)):
        if moment is not None:
            field.FromDatetime(moment)
    return client.analytics.GetSalesTrends(request, metadata=client.metadata)


def forty_days(tenant, venue, show):
    """From 1 or 2 orders a day to 7 or 8 on the 21st; of two tickets, one of which came back on the first."""
    log = [make.venue_updated(tenant, venue), make.event_created(tenant, venue, show)]
    for day in range(40):
        for number in range((1 if day < 20 else 7) + day % 2):
            at = MIDNIGHT[day] + number * timedelta(minutes=1)
            log.append(make.order_completed(tenant, venue, lines=[(2, 500)], show=show, at=at, fees=100))
    first = next(event for event in log if event.type == "order.completed")
    back = [(1, None, show)]
    log.append(make.order_refunded(tenant, venue, first.entity_id, amount=300, lines=back, at=START + DAY))
    return log


async def test_trends_of_a_venues_days(metrics_process):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    log = forty_days(tenant, venue, show)
    log.append(make.order_completed(tenant, venue, currency="CHF", at=MIDNIGHT[39]))
    async with metrics_process.client(tenant) as client:

        async def sums():
            trends = (await ask(client, venue_id=venue)).trends
            return [sum(point.value for point in one.points) for one in trends]

        for at in range(0, len(log), 100):
            sent = [Event.FromString(event.SerializeToString()) for event in log[at : at + 100]]
            await client.ingest.PublishEvents(
                ingest_service_pb2.PublishEventsRequest(events=sent), metadata=client.metadata
            )
        everything = [181, 361, 1_000, 180 * 900 - 300]
        assert await eventually_equal(sums, everything, within_seconds=30)
        answer = await ask(client, venue_id=venue)
        of_show = await ask(client, venue_id=venue, event_id=show)
        inside = await ask(
            client, START + timedelta(hours=1), MIDNIGHT[40] - timedelta(hours=1), venue_id=venue
        )
        weeks = await ask(client, granularity="week")

    assert (answer.granularity, answer.time_zone) == ("day", "Europe/Berlin")
    assert answer.window.start_time.ToDatetime(UTC) == START
    assert answer.window.end_time.ToDatetime(UTC) == MIDNIGHT[40]
    assert answer.as_of.ToDatetime(UTC) == max(event.occurred_at.ToDatetime(UTC) for event in log)
    assert [(one.measure, one.currency) for one in answer.trends] == [
        ("order_count", ""),
        ("ticket_count", ""),
        ("net_revenue", "CHF"),
        ("net_revenue", "EUR"),
    ]
    orders_a_day, tickets, _, net = answer.trends
    counts = [(1 if day < 20 else 7) + day % 2 for day in range(40)]
    assert [point.start_time.ToDatetime(UTC) for point in net.points] == MIDNIGHT[:40]
    assert [point.value for point in orders_a_day.points] == [*counts[:39], counts[39] + 1]
    assert [point.value for point in tickets.points][:2] == [2, 4]
    assert [point.value for point in net.points] == [600, *(900 * count for count in counts[1:])]
    (shift,) = net.change_points
    assert shift.start_time.ToDatetime(UTC) == MIDNIGHT[20]
    assert shift.mean_before == pytest.approx((900 * 30 - 300) / 20)
    assert (shift.mean_after, shift.p_value < 0.01) == (6_750, True)
    assert (net.trend.period_count, net.trend.missing_period_count) == (40, 0)
    assert net.trend.slope_per_period > 0
    assert [point.value for point in of_show.trends[0].points] == counts
    assert [one.currency for one in of_show.trends] == ["", "", "EUR"]
    assert [len(one.points) for one in inside.trends] == [38, 38, 38]
    assert (weeks.time_zone, len(weeks.trends[0].points)) == ("UTC", 5)


async def test_no_whole_period(metrics_process):
    async with metrics_process.client(uuid4()) as client:
        answer = await ask(client, granularity="month", end=START + 20 * DAY)
        quiet = await ask(client, start=None, end=None, time_zone="Asia/Kathmandu")
        hourly = await ask(client, start=None, end=None, granularity="hour")

    assert not answer.HasField("window")
    assert [(one.measure, len(one.points)) for one in answer.trends] == [
        ("order_count", 0),
        ("ticket_count", 0),
    ]
    assert len(quiet.trends[0].points) in (89, 90)
    assert {point.value for point in quiet.trends[0].points} == {0}
    assert quiet.window.start_time.ToDatetime(UTC).strftime("%H:%M") == "18:15"
    assert not quiet.HasField("as_of")
    assert len(hourly.trends[0].points) in (719, 720)


async def test_refusals(metrics_process, handler):
    tenant, venue, other, show = (uuid4() for _ in range(4))
    await deliver(
        handler,
        [
            make.venue_updated(tenant, venue),
            make.venue_updated(tenant, other),
            make.event_created(tenant, venue, show),
        ],
    )
    no_venue, no_event = ("NOT_FOUND", "VENUE_NOT_FOUND"), ("NOT_FOUND", "EVENT_NOT_FOUND")
    wide = {"start": START - 400 * DAY, "granularity": "hour"}
    async with metrics_process.client(tenant) as client:
        assert await refused(ask(client, **wide)) == ("INVALID_ARGUMENT", "WINDOW_TOO_WIDE")
        assert await refused(ask(client, venue_id=uuid4())) == no_venue
        assert await refused(ask(client, event_id=uuid4())) == no_event
        assert await refused(ask(client, event_id=uuid4(), end=START + timedelta(hours=2))) == no_event
        assert await refused(ask(client, event_id=show, venue_id=other)) == no_event
        assert await bad_fields(ask(client, end=START)) == ["endDate"]
        assert await bad_fields(ask(client, time_zone="Mars/Olympus")) == ["timeZone"]
        assert await bad_fields(ask(client, granularity="year")) == ["granularity"]
    for caller in (metrics_process.client(uuid4()), metrics_process.client(tenant, venue_ids=[other])):
        async with caller as client:
            assert await refused(ask(client, venue_id=venue)) == no_venue
            assert await refused(ask(client, event_id=show)) == no_event
    async with metrics_process.client(tenant, permissions=["events.write"]) as client:
        assert (await refused(ask(client)))[0] == "PERMISSION_DENIED"
