"""Questions in the closed vocabulary over gRPC: words, zones, limits, refusals, tenants."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import grpc
import pytest
from google.rpc import error_details_pb2
from tickettoken.metrics.v1 import query_pb2

from libs.common.rpc.status import status_from
from tests.metrics.process import MetricsProcess
from tests.metrics.read_models.test_read_models import deliver
from tests.metrics.serving import bad_fields, refused
from tests.platform import events as make
from tests.platform.events import NOON

DAY = timedelta(days=1)
WINDOW = (NOON - DAY, NOON + DAY)


def ask(client, *metrics, window=WINDOW, granularity="", filters=None, **fields):
    request = query_pb2.ExecuteQueryRequest(metrics=metrics, **fields)
    request.filters.CopyFrom(query_pb2.QueryFilters(**(filters or {})))
    request.time_range.start.FromDatetime(window[0])
    request.time_range.end.FromDatetime(window[1])
    request.time_range.granularity = granularity
    return client.analytics.ExecuteQuery(request, metadata=client.metadata)


async def descriptions(call):
    """What each field of a refused call is told, in one text."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in status_from(refusal.value).details)
    return {one.field: one.description for one in bad.field_violations}


@pytest.fixture
async def hall(metrics_process, handler):
    """A hall in Kathmandu with two shows, one better sold, and one sale that was voided."""
    tenant, venue, show, other = (uuid4() for _ in range(4))
    log = [
        make.venue_updated(tenant, venue, time_zone="Asia/Kathmandu", currency="NPR"),
        make.order_completed(tenant, venue, lines=[(2, 5_000, None, show)], channel="web"),
        make.order_completed(tenant, venue, lines=[(1, 3_000, None, other)], channel="mobile"),
        make.order_completed(tenant, venue, lines=[(1, 7_000, None, other)], currency="USD"),
        make.order_completed(
            tenant, venue, voided := uuid4(), lines=[(9, 9_000, None, show)], currency="CHF"
        ),
        make.order_cancelled(tenant, venue, voided, at=NOON + timedelta(hours=1)),
    ]
    await deliver(handler, log, 1)
    async with metrics_process.client(tenant) as client:
        yield client, venue, show, other


@pytest.mark.parametrize(
    ("metric", "group_by", "granularity", "field", "allowed"),
    [
        ("profit", [], "", "metrics[0]", ("revenue", "ticketSales", "customerMetrics", "salesTrends")),
        ("revenue", ["colour"], "", "groupBy[0]", ("time", "venue", "event", "channel", "type")),
        ("revenue", [], "minute", "timeRange.granularity", ("hour", "day", "week", "month")),
        ("conversionRate", ["channel"], "", "groupBy", ('"time"', '"venue"', '"event"')),
        ("topEvents", ["time"], "", "groupBy", ('"venue"', '"event"')),
        ("salesTrends", ["time"], "", "groupBy", ('"venue"', '"event"', '"channel"', '"type"')),
        ("customerMetrics", ["venue"], "", "groupBy", ("nothing",)),
    ],
)
async def test_a_refusal_names_the_allowed_words(
    metrics_process, metric, group_by, granularity, field, allowed
):
    async with metrics_process.client(uuid4()) as client:
        told = await descriptions(ask(client, metric, group_by=group_by, granularity=granularity))

    assert set(told) == {field}
    assert all(word in told[field] for word in allowed), told


async def test_every_misfit_is_told_with_its_metric(metrics_process):
    async with metrics_process.client(uuid4()) as client:
        filters = {"channels": ["web"], "currencies": ["EUR"], "venue_ids": [str(uuid4()), str(uuid4())]}
        told = await descriptions(ask(client, "conversionRate", "customerMetrics", filters=filters))

    assert set(told) == {"filters.channels", "filters.currencies", "filters.venueIds"}


async def test_words_come_once_and_windows_are_not_empty(metrics_process):
    async with metrics_process.client(uuid4()) as client:
        assert await bad_fields(ask(client, "revenue", "revenue")) == ["metrics"]
        assert await bad_fields(ask(client)) == ["metrics"]
        assert await bad_fields(ask(client, "revenue", group_by=["time", "time"])) == ["groupBy"]
        assert await bad_fields(ask(client, "revenue", window=(NOON, NOON))) == ["timeRange.end"]
        assert await bad_fields(ask(client, "revenue", limit=0)) == ["limit"]
        assert await bad_fields(ask(client, "revenue", limit=10_001)) == ["limit"]
        assert await bad_fields(ask(client, "revenue", time_zone="Mars/Olympus")) == ["timeZone"]


async def test_too_many_buckets(metrics_process):
    window = (NOON - 2_001 * DAY, NOON)
    async with metrics_process.client(uuid4()) as client:
        by_time = refused(ask(client, "revenue", window=window, group_by=["time"]))
        assert await by_time == ("INVALID_ARGUMENT", "WINDOW_TOO_WIDE")
        trends = refused(ask(client, "salesTrends", window=window))
        assert await trends == ("INVALID_ARGUMENT", "WINDOW_TOO_WIDE")
        assert (await ask(client, "revenue", window=window)).results[0].metric == "revenue"


async def test_customers_are_not_made_up(metrics_process):
    async with metrics_process.client(uuid4()) as client:
        call = ask(client, "revenue", "customerMetrics")

        assert await refused(call) == ("UNAVAILABLE", "DEPENDENCY_UNAVAILABLE")


async def test_the_zone_is_that_of_the_only_venue_unless_one_is_asked_for(hall):
    client, venue, *_ = hall
    filters = {"venue_ids": [str(venue)]}

    async def first_start(**fields):
        answer = await ask(client, "ticketSales", group_by=["time"], **fields)
        return answer.results[0].rows[0].start_time.ToDatetime(UTC)

    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    assert await first_start(filters=filters) == midnight - timedelta(hours=5, minutes=45)
    assert await first_start() == midnight
    assert await first_start(filters=filters, time_zone="America/New_York") == midnight + timedelta(hours=5)


async def test_best_shows_are_ranked_within_their_currency_and_cut_last(hall):
    client, _, show, other = hall

    found = (await ask(client, "topEvents")).results[0]

    ranked = [(row.figures["rank"], row.currency, row.event_id) for row in found.rows]
    assert ranked == [(1, "EUR", str(show)), (1, "USD", str(other)), (2, "EUR", str(other))]
    few = (await ask(client, "topEvents", limit=2)).results[0]
    assert list(few.rows) == list(found.rows)[:2]
    assert (few.truncated, found.truncated) == (True, False)


async def test_equal_revenue_shares_a_rank(metrics_process, handler):
    tenant, venue = uuid4(), uuid4()
    log = [
        make.order_completed(tenant, venue, lines=[(1, price, None, uuid4())])
        for price in (500, 900, 500, 100)
    ]
    await deliver(handler, log, 2)

    async with metrics_process.client(tenant) as client:
        rows = (await ask(client, "topEvents")).results[0].rows

    assert [row.figures["rank"] for row in rows] == [1, 2, 2, 4]


async def test_voided_orders_leave_no_row(hall):
    client, *_ = hall

    answer = await ask(client, "revenue", "ticketSales", group_by=["channel"])

    assert {row.currency for row in answer.results[0].rows} == {"EUR", "USD"}
    assert [(row.channel, row.figures["ticketCount"]) for row in answer.results[1].rows] == [
        ("mobile", 1),
        ("web", 3),
    ]


async def test_a_limit_cuts_rows_and_says_so(hall):
    client, *_ = hall

    exact = await ask(client, "revenue", "ticketSales", group_by=["event"], limit=3)
    cut = await ask(client, "revenue", "ticketSales", group_by=["event"], limit=1)

    assert [(len(one.rows), one.truncated) for one in exact.results] == [(3, False), (2, False)]
    assert [(len(one.rows), one.truncated) for one in cut.results] == [(1, True), (1, True)]
    assert cut.results[0].rows[0] == exact.results[0].rows[0]


async def test_nothing_sold_is_no_row_and_no_ratio(metrics_process):
    metrics = ("revenue", "ticketSales", "conversionRate", "topEvents", "salesTrends")
    async with metrics_process.client(uuid4()) as client:
        answer = await ask(client, *metrics)

    assert [(one.metric, len(one.rows)) for one in answer.results] == [(metric, 0) for metric in metrics]
    assert not answer.HasField("as_of")


async def test_trends_need_periods_and_have_no_interval_over_two(hall):
    client, *_ = hall
    window = (datetime(2026, 2, 27, 3, tzinfo=UTC), datetime(2026, 3, 2, 7, tzinfo=UTC))

    (euro, _) = (await ask(client, "salesTrends", window=window)).results[0].rows

    assert (euro.figures["periodCount"], euro.figures["missingPeriodCount"]) == (2, 1)
    assert "netMinorSlopePerPeriod" not in euro.figures
    assert (euro.figures["ticketCount"], euro.amounts["net"].amount_minor) == (3, 13_000)


async def test_other_tenants_and_venues_outside_the_grant_are_not_seen(metrics_process, hall, handler):
    client, venue, show, _ = hall
    apart = uuid4()
    await deliver(handler, [make.order_completed(client.tenant_id, apart, lines=[(1, 1)])], 3)
    filters = {"venue_ids": [str(venue)]}

    async with metrics_process.client(uuid4()) as stranger:
        assert await refused(ask(stranger, "revenue", filters=filters)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
        answer = await ask(stranger, "revenue", "topEvents", filters={"event_ids": [str(show)]})
        assert not any(one.rows for one in answer.results)
    async with metrics_process.client(client.tenant_id, venue_ids=[apart]) as granted:
        assert await refused(ask(granted, "revenue", filters=filters)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
        (row,) = (await ask(granted, "ticketSales", group_by=["venue"])).results[0].rows
        assert (row.venue_id, row.figures["ticketCount"]) == (str(apart), 1)


async def test_a_statement_that_takes_too_long_is_ended(
    metrics_service, as_admin, redis_url, mongo_url, tmp_path
):
    process = MetricsProcess(
        tmp_path,
        metrics_service,
        redis_url=redis_url,
        mongo_url=mongo_url,
        command="serve",
        statement_timeout_seconds=1,
    ).start()
    try:
        async with process.client(uuid4()) as client, as_admin.transaction():
            await as_admin.execute("lock table sales_rollup in access exclusive mode")

            assert await refused(ask(client, "revenue")) == ("DEADLINE_EXCEEDED", "STATEMENT_TIMED_OUT")
    finally:
        process.stop()
