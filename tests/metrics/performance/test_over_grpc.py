"""GetEventPerformance over gRPC: published, read back, refused with a reason, and each tenant its own."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.metrics.v1 import ingest_service_pb2, performance_pb2

from tests.metrics.performance.conftest import DAY
from tests.metrics.serving import bad_fields, eventually_equal, refused
from tests.platform import events as make

HOUR = timedelta(hours=1)


def ask(client, *, start=None, end=None, **terms):
    request = performance_pb2.GetEventPerformanceRequest(**{name: str(of) for name, of in terms.items()})
    if start is not None:
        request.start_date.FromDatetime(start)
    if end is not None:
        request.end_date.FromDatetime(end)
    return client.analytics.GetEventPerformance(request, metadata=client.metadata)


async def publish(client, log):
    sent = [Event.FromString(event.SerializeToString()) for event in log]
    request = ingest_service_pb2.PublishEventsRequest(events=sent)
    return await client.ingest.PublishEvents(request, metadata=client.metadata)


async def test_every_field_of_a_show(metrics_process, season):
    now = datetime.now(UTC)
    show = season.show(now + 10 * DAY, name="Aida", capacity=10)
    later = season.show(now + 11 * DAY, capacity=None)
    season.show(now + 91 * DAY)
    order = season.sell(show, now - 30 * timedelta(minutes=1), 4, price=1_000)
    past = [season.show(now - 7 * number * DAY, [(2, 15), (70, 5)]) for number in range(1, 6)]
    tenant, venue = season.tenant_id, season.venue
    season.log += [
        make.order_refunded(tenant, venue, order, amount=1_000, lines=[(1, None, show)], at=now),
        make.ticket_scanned(tenant, venue, show=show, at=now),
        make.ticket_resold(tenant, venue, show=show, price=3_000, face_value=2_000, at=now),
        make.event_cancelled(tenant, venue, later, at=now),
    ]
    async with metrics_process.client(tenant) as client:

        async def seen():
            first = (await ask(client)).events[:1]
            return [
                (one.refunded_ticket_count, one.scanned_count, one.resale_count, len(one.pacing.comparables))
                for one in first
            ]

        await publish(client, season.log)
        assert await eventually_equal(seen, [(1, 1, 1, 5)], within_seconds=30)
        answer = await ask(client)
        alone = await ask(client, event_id=past[2], start=now, end=now + DAY)

    one, other = answer.events
    assert (one.event_id, one.event_name, one.venue_id) == (str(show), "Aida", str(venue))
    assert (one.starts_at.ToDatetime(UTC), one.cancelled) == (now + 10 * DAY, False)
    assert (one.capacity_count, one.sold_count, one.sell_through_ratio) == (10, 3, 0.3)
    assert (one.sold_last_hour_count, one.sold_last_day_count, one.sold_last_week_count) == (4, 4, 4)
    (figures,) = one.figures
    assert (figures.gross.amount_minor, figures.refunds.amount_minor) == (4_000, 1_000)
    (price,) = one.average_ticket_prices
    assert (price.amount_minor, price.currency) == (1_000, "EUR")
    assert (one.scan_ratio, one.resale_price_ratio) == (1 / 3, 1.5)
    assert (one.pacing.percentile, one.pacing.median_comparable_ratio) == (1, 0.02)
    assert (one.pacing.sell_through_ratio, round(one.pacing.days_before_doors, 1)) == (0.3, 10)
    assert [comparable.event_id for comparable in one.pacing.comparables] == [str(id_) for id_ in past]
    nearest = one.pacing.comparables[0]
    assert (nearest.event_name, nearest.starts_at.ToDatetime(UTC)) == ("Premiere", now - 7 * DAY)
    assert (nearest.sell_through_ratio, nearest.final_sell_through_ratio) == (0.02, 0.72)
    assert "venue" in nearest.similarities
    assert (other.event_id, other.cancelled, other.capacity_count) == (str(later), True, 0)
    assert not other.HasField("sell_through_ratio")
    assert not other.HasField("scan_ratio")
    assert not other.HasField("pacing")
    assert answer.as_of.ToDatetime(UTC) >= now
    assert [each.event_id for each in alone.events] == [str(past[2])]
    assert alone.events[0].pacing.days_before_doors < 0


async def test_a_new_sale_is_in_the_next_answer(metrics_process, season, told):
    now = datetime.now(UTC)
    show = season.show(now + 10 * DAY)
    await told(season)
    async with metrics_process.client(season.tenant_id) as client:

        async def sold():
            return [one.sold_last_hour_count for one in (await ask(client)).events]

        assert await sold() == [0]
        season.sell(show, datetime.now(UTC), 3)
        await publish(client, season.log)

        assert await eventually_equal(sold, [3], within_seconds=30)


async def test_refusals(metrics_process, season, told):
    now = datetime.now(UTC)
    other_venue, stranger = uuid4(), uuid4()
    season.log.append(make.venue_updated(season.tenant_id, other_venue))
    show = season.show(now + DAY)
    for number in range(500):
        season.show(now + DAY + number * timedelta(minutes=1), capacity=None)
    await told(season)
    no_venue, no_event = ("NOT_FOUND", "VENUE_NOT_FOUND"), ("NOT_FOUND", "EVENT_NOT_FOUND")
    async with metrics_process.client(season.tenant_id) as client:
        assert await refused(ask(client)) == ("INVALID_ARGUMENT", "WINDOW_TOO_WIDE")
        assert len((await ask(client, end=now + DAY + HOUR)).events) > 1
        assert await refused(ask(client, venue_id=uuid4())) == no_venue
        assert await refused(ask(client, event_id=uuid4())) == no_event
        assert await refused(ask(client, event_id=show, venue_id=other_venue)) == no_event
        assert await bad_fields(ask(client, start=now, end=now)) == ["endDate"]
        assert await bad_fields(ask(client, end=now - HOUR)) == ["endDate"]
        assert await bad_fields(ask(client, event_id="x")) == ["eventId"]
    async with metrics_process.client(season.tenant_id, venue_ids=[other_venue]) as client:
        assert await refused(ask(client, event_id=show)) == no_event
        assert await refused(ask(client, venue_id=season.venue)) == no_venue
        assert not (await ask(client)).events
    async with metrics_process.client(stranger) as client:
        assert await refused(ask(client, event_id=show)) == no_event
        assert await refused(ask(client, venue_id=season.venue)) == no_venue
        answer = await ask(client)
        assert (len(answer.events), answer.HasField("as_of")) == (0, False)
    async with metrics_process.client(season.tenant_id, permissions=["events.write"]) as client:
        assert (await refused(ask(client)))[0] == "PERMISSION_DENIED"
