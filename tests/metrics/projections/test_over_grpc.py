"""Projections over gRPC: sales in, days to expect out, and no process left behind."""

import asyncio
import random
import signal
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import psutil
import pytest
from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.metrics.v1 import ingest_service_pb2, projections_pb2, revenue_pb2

from tests.metrics.process import MetricsProcess
from tests.metrics.serving import bad_fields, eventually_equal, refused
from tests.platform import events as make


async def publish(client, events):
    for start in range(0, len(events), 500):
        sent = [Event.FromString(event.SerializeToString()) for event in events[start : start + 500]]
        request = ingest_service_pb2.PublishEventsRequest(events=sent)
        await client.ingest.PublishEvents(request, metadata=client.metadata)


async def project(client, *, within_seconds=60, **request):
    asked = projections_pb2.GetRevenueProjectionsRequest(**request)
    return await client.analytics.GetRevenueProjections(
        asked, metadata=client.metadata, timeout=within_seconds
    )


def midday(days_ago):
    """Noon, UTC, of a day before today: the same local date in Berlin."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return noon - timedelta(days=days_ago)


def sales(tenant, venue, days_ago, *, currency="EUR", seed=1):
    """One order a day, twice as much on weekends, with some chance."""
    chance = random.Random(seed)
    made = []
    for ago in days_ago:
        at = midday(ago)
        price = (20_000 if at.weekday() >= 5 else 10_000) + chance.randrange(2_000)
        made.append(
            make.order_completed(tenant, venue, lines=((1, price),), fees=0, currency=currency, at=at)
        )
    return made


def sold_at_both_ends_of_days(tenant, venue, zone, day_count):
    """An order ten minutes after and ten minutes before each local midnight, twice as dear on weekends."""
    today = datetime.now(zone).date()
    made = []
    for ago in range(day_count, 0, -1):
        day = today - timedelta(days=ago)
        price = 20_000 if day.weekday() >= 5 else 10_000
        for clock in (time(0, 10), time(23, 50)):
            at = datetime.combine(day, clock, zone).astimezone(UTC)
            made.append(make.order_completed(tenant, venue, lines=((1, price),), fees=0, at=at))
    return made


async def wait_for_orders(client, count):
    """Until so many orders of the last weeks have been recorded."""
    window = revenue_pb2.GetRevenueSummaryRequest()
    window.start_date.FromDatetime(midday(70))
    window.end_date.FromDatetime(midday(-1))

    async def order_count():
        summary = await client.analytics.GetRevenueSummary(window, metadata=client.metadata)
        return sum(figures.order_count for figures in summary.current)

    assert await eventually_equal(order_count, count, within_seconds=60)


async def test_eight_weeks_of_sales_give_a_projection_from_tomorrow_on(metrics_process):
    tenant, venue = uuid4(), uuid4()
    async with metrics_process.client(tenant) as client:
        log = [make.venue_updated(tenant, venue), *sales(tenant, venue, range(56, 0, -1))]
        await publish(client, log)
        await wait_for_orders(client, 56)

        answer = await project(client, venue_id=str(venue), days=14)

    (projection,) = answer.projections
    assert answer.time_zone == "Europe/Berlin"
    assert projection.currency == "EUR"
    assert projection.model in {"seasonal_naive", "ets", "theta", "mean"}
    dates = [day.date for day in projection.days]
    assert dates == [midday(-ahead).date().isoformat() for ahead in range(1, 15)]
    for day in projection.days:
        net = day.net
        assert net.low.amount_minor <= net.expected.amount_minor <= net.high.amount_minor
        weekend = datetime.fromisoformat(day.date).weekday() >= 5
        assert abs(net.expected.amount_minor - (21_000 if weekend else 11_000)) < 2_000
    total = projection.total
    assert total.expected.amount_minor == sum(day.net.expected.amount_minor for day in projection.days)
    assert total.low.amount_minor <= total.expected.amount_minor <= total.high.amount_minor
    width_of_days = sum(day.net.high.amount_minor - day.net.low.amount_minor for day in projection.days)
    assert total.high.amount_minor - total.low.amount_minor < width_of_days
    tested, naive = projection.back_test, projection.naive_back_test
    assert tested.mean_absolute_error.amount_minor <= naive.mean_absolute_error.amount_minor
    assert tested.fold_count == naive.fold_count >= 2
    assert tested.horizon_days == 15
    assert tested.HasField("mean_absolute_scaled_error")
    assert 0 <= tested.interval_coverage_ratio <= 1


async def test_sales_of_the_running_day_do_not_change_a_projection(metrics_process):
    tenant, venue = uuid4(), uuid4()
    async with metrics_process.client(tenant) as client:
        await publish(client, sales(tenant, venue, range(35, 0, -1)))
        await wait_for_orders(client, 35)
        before = await project(client, days=7)
        now = datetime.now(UTC).replace(microsecond=0)
        late = make.order_completed(tenant, venue, lines=((1, 900_000),), currency="USD", at=now)
        big = make.order_completed(tenant, venue, lines=((1, 900_000),), at=now)
        await publish(client, [late, big])

        async def short_currencies():
            return list((await project(client, days=7)).currencies_without_history)

        assert await eventually_equal(short_currencies, ["USD"])
        after = await project(client, days=7)

    assert list(after.projections) == list(before.projections)
    assert after.as_of == before.as_of


async def test_a_currency_with_less_than_four_weeks_is_named_beside_the_projected_one(metrics_process):
    tenant, venue = uuid4(), uuid4()
    async with metrics_process.client(tenant) as client:
        short = sales(tenant, venue, range(27, 0, -1), currency="USD")
        await publish(client, [*short, *sales(tenant, venue, range(28, 0, -1))])
        await wait_for_orders(client, 55)

        answer = await project(client, days=1)

    assert [projection.currency for projection in answer.projections] == ["EUR"]
    assert list(answer.currencies_without_history) == ["USD"]
    assert answer.time_zone == "UTC"


async def test_too_little_history_is_refused_with_its_reason(metrics_process):
    tenant, venue = uuid4(), uuid4()
    async with metrics_process.client(tenant) as client:
        await publish(client, sales(tenant, venue, range(27, 0, -1)))
        await wait_for_orders(client, 27)

        assert await refused(project(client)) == ("FAILED_PRECONDITION", "NOT_ENOUGH_HISTORY")


async def test_another_tenants_venue_does_not_exist(metrics_process):
    tenant, venue = uuid4(), uuid4()
    async with metrics_process.client(tenant) as client, metrics_process.client(uuid4()) as stranger:
        await publish(client, sales(tenant, venue, range(30, 0, -1)))
        await wait_for_orders(client, 30)

        assert await refused(project(stranger, venue_id=str(venue))) == ("NOT_FOUND", "VENUE_NOT_FOUND")
        assert await refused(project(stranger)) == ("FAILED_PRECONDITION", "NOT_ENOUGH_HISTORY")


async def test_a_venue_grant_limits_the_history(metrics_process):
    tenant, venue, other = uuid4(), uuid4(), uuid4()
    async with (
        metrics_process.client(tenant) as client,
        metrics_process.client(tenant, venue_ids=[other]) as limited,
    ):
        log = [*sales(tenant, venue, range(30, 0, -1)), *sales(tenant, other, range(3, 0, -1))]
        await publish(client, log)
        await wait_for_orders(client, 33)

        assert await refused(project(limited)) == ("FAILED_PRECONDITION", "NOT_ENOUGH_HISTORY")
        assert await refused(project(limited, venue_id=str(venue))) == ("NOT_FOUND", "VENUE_NOT_FOUND")


@pytest.mark.parametrize("days", [0, 366])
async def test_days_outside_a_year_are_refused(metrics_process, days):
    async with metrics_process.client(uuid4()) as client:
        assert await bad_fields(project(client, days=days)) == ["days"]


@pytest.mark.parametrize("name", ["America/New_York", "Asia/Kathmandu"])
async def test_days_are_those_of_the_venues_clock(metrics_process, name):
    """Ten minutes around midnight lie in another day of UTC, by which one day more or less was sold on."""
    tenant, venue, zone = uuid4(), uuid4(), ZoneInfo(name)
    async with metrics_process.client(tenant) as client:
        await publish(client, [make.venue_updated(tenant, venue, time_zone=name)])
        await publish(client, sold_at_both_ends_of_days(tenant, venue, zone, 28))
        await wait_for_orders(client, 56)
        earliest = datetime.now(zone).date()

        answer = await project(client, venue_id=str(venue), days=7)

    (projection,) = answer.projections
    assert answer.time_zone == name
    dates = [datetime.fromisoformat(day.date).date() for day in projection.days]
    sold_days = projection.history_day_count
    assert dates[0] - timedelta(days=1) in {earliest, datetime.now(zone).date()}
    assert sold_days == 28 + (dates[0] - timedelta(days=1) - earliest).days
    for date, day in zip(dates, projection.days, strict=True):
        assert day.net.expected.amount_minor == pytest.approx(
            40_000 if date.weekday() >= 5 else 20_000, rel=0.01
        )


@pytest.fixture
async def narrow_process(metrics_service, redis_url, mongo_url, tmp_path):
    """A replica in which one projection may wait or be calculated at once."""
    process = MetricsProcess(
        tmp_path, metrics_service, redis_url=redis_url, mongo_url=mongo_url, projection_queue=1
    ).start()
    yield process
    await asyncio.to_thread(process.stop)


def calculating(process):
    """The processes that calculate for a replica."""
    children = psutil.Process(process._program.process.pid).children(recursive=True)
    return [child for child in children if "services.metrics.projections.worker" in child.cmdline()]


async def test_a_full_queue_refuses_a_deadline_ends_the_work_and_the_end_leaves_no_process(narrow_process):
    tenant, venue = uuid4(), uuid4()
    async with narrow_process.client(tenant) as client:
        await publish(client, sales(tenant, venue, range(30, 0, -1)))
        await wait_for_orders(client, 30)
        await project(client, days=1)
        (held,) = calculating(narrow_process)
        held.send_signal(signal.SIGSTOP)

        asked = [asyncio.create_task(project(client, days=days)) for days in (2, 3)]
        (early,), (late,) = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        full = await refused(early)
        held.send_signal(signal.SIGCONT)
        answered = await late
        held.send_signal(signal.SIGSTOP)
        given_up = await refused(project(client, days=4, within_seconds=1))
        await asyncio.to_thread(held.wait, 30)
        again = await project(client, days=4)

    children = calculating(narrow_process)
    await asyncio.to_thread(narrow_process.stop)
    assert full == ("RESOURCE_EXHAUSTED", "PROJECTIONS_BUSY")
    assert len(answered.projections[0].days) in {2, 3}
    assert given_up[0] == "DEADLINE_EXCEEDED"
    assert len(again.projections[0].days) == 4
    assert len(children) == 1
    assert not children[0].is_running()
