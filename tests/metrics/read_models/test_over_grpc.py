"""Publish over gRPC, read revenue and seats over gRPC: fresh, exact, and each tenant its own."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.metrics.v1 import capacity_pb2, ingest_service_pb2, revenue_pb2

from tests.metrics.platform import oracle
from tests.metrics.serving import bad_fields, refused
from tests.platform import events as make
from tests.platform.events import NOON
from tests.platform.season import season


async def publish(client, events):
    sent = [Event.FromString(event.SerializeToString()) for event in events]
    request = ingest_service_pb2.PublishEventsRequest(events=sent)
    return await client.ingest.PublishEvents(request, metadata=client.metadata)


async def revenue(client, start=NOON, end=NOON + timedelta(days=1), venue=None):
    request = revenue_pb2.GetRevenueSummaryRequest(venue_id="" if venue is None else str(venue))
    request.start_date.FromDatetime(start)
    request.end_date.FromDatetime(end)
    return await client.analytics.GetRevenueSummary(request, metadata=client.metadata)


async def capacity(client, venue, event=None):
    request = capacity_pb2.GetCapacityMetricsRequest(
        venue_id=str(venue), event_id="" if event is None else str(event)
    )
    return await client.metrics.GetCapacityMetrics(request, metadata=client.metadata)


def by_currency(figures):
    return {
        one.currency: (
            one.order_count,
            one.ticket_count,
            one.gross.amount_minor,
            one.refunds.amount_minor,
            one.fees.amount_minor,
        )
        for one in figures
    }


async def eventually(probe, expected, within=20):
    deadline = time.monotonic() + within
    while (seen := await probe()) != expected:
        assert time.monotonic() < deadline, (seen, expected)
        await asyncio.sleep(0.05)


async def test_a_published_season_is_exact_in_revenue_and_again_changes_nothing(metrics_process):
    made = season(901, orders=60)
    expected = oracle.revenue(made.log, NOON, NOON + timedelta(days=1), made.venues)
    async with metrics_process.client(made.tenant_id) as client:

        async def seen():
            return by_currency((await revenue(client)).current)

        first = await publish(client, made.arrivals(1, again=0))
        await eventually(seen, expected)
        again = await publish(client, made.arrivals(2, again=0))
        summary = await revenue(client)

    assert (first.accepted_count, first.rejected_count) == (len(made.log), 0)
    assert (again.accepted_count, again.duplicate_count) == (0, len(made.log))
    assert by_currency(summary.current) == expected
    for figures in summary.current:
        money = (figures.gross, figures.refunds, figures.fees, figures.net, figures.average_order_value)
        assert {amount.currency for amount in money} == {figures.currency}
        gross, refunds, fees, net, average = (amount.amount_minor for amount in money)
        assert net == gross - refunds - fees
        assert abs(average * figures.order_count - gross) * 2 <= figures.order_count
    assert summary.previous_window.end_time == summary.window.start_time
    newest = max(event.occurred_at.ToNanoseconds() for event in made.log if event.type.startswith("order."))
    assert summary.as_of.ToNanoseconds() <= newest


async def test_an_answer_is_never_older_than_what_was_just_applied(metrics_process):
    tenant, venue, order = uuid4(), uuid4(), uuid4()
    async with metrics_process.client(tenant) as client:

        async def seen():
            whole, of_venue = await revenue(client), await revenue(client, venue=venue)
            assert by_currency(whole.current) == by_currency(of_venue.current)
            return by_currency(whole.current)

        await publish(client, [make.order_completed(tenant, venue, order)])
        await eventually(lambda: by_currency_of(client), {"EUR": (1, 1, 1_000, 0, 0)})
        await publish(client, [make.order_refunded(tenant, venue, order, amount=400)])
        await eventually(lambda: by_currency_of(client), {"EUR": (1, 1, 1_000, 400, 0)})
        await eventually(seen, {"EUR": (1, 1, 1_000, 400, 0)})


async def by_currency_of(client):
    return by_currency((await revenue(client)).current)


async def test_the_window_before_stands_beside(metrics_process):
    tenant, venue = uuid4(), uuid4()
    start = NOON + timedelta(minutes=7, seconds=3)
    sales = [
        make.order_completed(tenant, venue, at=start - timedelta(microseconds=1)),
        make.order_completed(tenant, venue, at=start, lines=[(1, 2_000)]),
        make.order_completed(tenant, venue, at=start + timedelta(minutes=40), lines=[(1, 9_999)]),
    ]
    async with metrics_process.client(tenant) as client:

        async def seen():
            summary = await revenue(client, start, start + timedelta(minutes=40))
            return by_currency(summary.current), by_currency(summary.previous)

        await publish(client, sales)
        await eventually(seen, ({"EUR": (1, 1, 2_000, 0, 0)}, {"EUR": (1, 1, 1_000, 0, 0)}))


async def test_seats_of_a_show_and_of_its_venue(metrics_process):
    tenant, venue, show, other, cancelled, stalls = (uuid4() for _ in range(6))
    order = uuid4()
    starts_at = make.NOON + timedelta(days=3650)
    log = [
        make.event_created(tenant, venue, show, starts_at=starts_at, name="Aida"),
        make.ticket_type_updated(tenant, venue, show, stalls, capacity=50, held=5),
        make.order_completed(tenant, venue, order, lines=[(4, 1_000, stalls)], show=show),
        make.order_refunded(tenant, venue, order, amount=1_000, lines=[(1, stalls)]),
        make.order_completed(tenant, venue, lines=[(2, 1_000)], show=other),
        make.event_created(tenant, venue, cancelled, starts_at=starts_at),
        make.event_cancelled(tenant, venue, cancelled),
    ]
    async with metrics_process.client(tenant) as client:

        async def seen():
            if (await revenue(client)).current:
                return {UUID(event.event_id) for event in (await capacity(client, venue)).events}
            return None

        await publish(client, log)
        await eventually(seen, {show, other})
        whole, one = await capacity(client, venue), await capacity(client, venue, show)

    (aida,) = one.events
    assert (aida.event_name, aida.starts_at.ToSeconds()) == ("Aida", int(starts_at.timestamp()))
    figures = aida.figures
    counts = (figures.total_count, figures.held_count, figures.sold_count, figures.available_count)
    assert counts == (50, 5, 3, 42)
    assert figures.utilisation_ratio == 3 / 50
    assert one.venue_totals == figures
    (unknown,) = [event for event in whole.events if event.event_id == str(other)]
    assert unknown.figures == capacity_pb2.CapacityFigures(sold_count=2)
    assert not unknown.HasField("starts_at")
    assert whole.venue_totals == capacity_pb2.CapacityFigures(sold_count=5)


async def test_what_is_not_the_callers_is_not_found(metrics_process):
    owner, stranger, venue, show = (uuid4() for _ in range(4))
    async with metrics_process.client(owner) as client:
        far_away = NOON + timedelta(days=3650)
        await publish(client, [make.event_created(owner, venue, show, starts_at=far_away)])

        async def seen():
            return {event.event_id for event in (await capacity(client, venue)).events}

        await eventually(seen, {str(show)})
        assert await refused(capacity(client, uuid4())) == ("NOT_FOUND", "VENUE_NOT_FOUND")
        assert await refused(capacity(client, venue, uuid4())) == ("NOT_FOUND", "EVENT_NOT_FOUND")
        assert await refused(revenue(client, venue=uuid4())) == ("NOT_FOUND", "VENUE_NOT_FOUND")
    async with metrics_process.client(owner, venue_ids=[uuid4()]) as client:
        assert await refused(capacity(client, venue)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
        assert await refused(revenue(client, venue=venue)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
    async with metrics_process.client(stranger) as client:
        assert await refused(capacity(client, venue, show)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
        assert await refused(revenue(client, venue=venue)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
        answer = await publish(client, [make.order_completed(stranger, venue)])
        assert [verdict.reason for verdict in answer.verdicts] == ["VENUE_NOT_FOUND"]


async def test_a_grant_limits_tenant_wide_revenue_also_in_the_cache(metrics_process):
    tenant, granted, other = (uuid4() for _ in range(3))
    async with metrics_process.client(tenant) as client:
        await publish(client, [make.order_completed(tenant, venue) for venue in (granted, other)])
        await eventually(lambda: by_currency_of(client), {"EUR": (2, 2, 2_000, 0, 0)})
    async with metrics_process.client(tenant, venue_ids=[granted]) as client:
        assert await by_currency_of(client) == {"EUR": (1, 1, 1_000, 0, 0)}


async def test_bad_requests_name_their_fields(metrics_process):
    invalid = ("INVALID_ARGUMENT", "INVALID_FIELD")
    long_ago = datetime(1, 1, 2, tzinfo=UTC)
    async with metrics_process.client(uuid4()) as client:

        def nothing_said():
            request = revenue_pb2.GetRevenueSummaryRequest(venue_id="7")
            return client.analytics.GetRevenueSummary(request, metadata=client.metadata)

        assert await refused(nothing_said()) == invalid
        assert sorted(await bad_fields(nothing_said())) == ["endDate", "startDate", "venueId"]
        assert await refused(revenue(client, NOON, NOON)) == invalid
        assert await bad_fields(revenue(client, long_ago)) == ["startDate"]
        for count in (0, 1001):
            events = [make.order_completed(uuid4(), uuid4())] * count
            assert await refused(publish(client, events)) == invalid
            assert await bad_fields(publish(client, events)) == ["events"]


async def test_publishing_with_an_idempotency_key_repeats_the_answer(metrics_process):
    tenant = uuid4()
    sale = make.order_completed(tenant, uuid4())
    request = ingest_service_pb2.PublishEventsRequest(events=[sale])
    async with metrics_process.client(tenant) as client:
        answers = [
            await client.ingest.PublishEvents(request, metadata=client.with_key("the-key")) for _ in range(2)
        ]
        await eventually(lambda: by_currency_of(client), {"EUR": (1, 1, 1_000, 0, 0)})

    assert answers[0] == answers[1]
    assert answers[0].accepted_count == 1


@pytest.mark.parametrize("permissions", [[], ["analytics.write"]])
async def test_each_call_needs_its_permission(metrics_process, permissions):
    tenant = uuid4()
    async with metrics_process.client(tenant, permissions=permissions) as client:
        for call in (
            revenue(client),
            capacity(client, uuid4()),
            publish(client, [make.order_completed(tenant, uuid4())]),
        ):
            assert (await refused(call))[0] == "PERMISSION_DENIED"
