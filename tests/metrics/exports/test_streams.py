"""What an export promises beside its rows: one snapshot, an end, and nothing of anybody else's."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import grpc
import pytest
from tickettoken.metrics.v1 import recording_pb2

from deploy.local.credentials import AUDIENCE, PERMISSIONS
from libs.common.auth.identity import IdentityIssuer
from libs.common.bus.port import DONE, Delivery
from libs.common.context import TenantScope
from libs.common.errors import DependencyUnavailable
from libs.common.tables.snapshots import ExportsBusy
from services.metrics.exports.exporter import Exporter
from services.metrics.exports.mapping import batch_messages, columns_message
from services.metrics.exports.question import DATA_SETS, question_of
from tests.metrics.exports.reading import as_service, asked, exported, rest_of, rows_of, table
from tests.metrics.process import Client
from tests.metrics.recording.conftest import row
from tests.metrics.serving import bad_fields, eventually_equal, refused
from tests.platform import events as make

WINDOW = (make.NOON - timedelta(days=30), make.NOON + timedelta(days=30))
UNDATED = ("events", "venues", "ticket_status")

# Grain: line of a made-up order, a second after the one before.
MANY_LINES = """
insert into order_lines (tenant_id, order_id, line_number, venue_id, sold_at, channel, currency, event_id,
                         ticket_type_id, order_count, event_order_count, line_order_count, ticket_count,
                         gross_minor, fee_minor, refunded_ticket_count, refund_minor, refunded_fee_minor,
                         newest_fact_at)
select $1, gen_random_uuid(), 0, $2, $3::timestamptz + number * interval '1 second', 'web', 'EUR', null, null,
       1, 0, 0, 1, number, 0, 0, 0, 0, $3::timestamptz
  from generate_series(1, $4::integer) as number
"""
# Grain: connection that an export holds.
EXPORTING = """
select count(*) from pg_stat_activity
 where datname = current_database() and state = 'idle in transaction' and query like '%order_lines%'
"""


async def recorded(handler, events):
    settlements = await handler([Delivery(event, 1) for event in events])
    assert all(settlement == DONE for settlement in settlements), settlements


@pytest.fixture
async def many(as_admin, handler):
    """A tenant with 60,000 order lines: far more than the buffers of a connection hold."""
    tenant, venue = uuid4(), uuid4()
    await recorded(handler, [make.venue_updated(tenant, venue)])
    await as_admin.execute(MANY_LINES, tenant, venue, make.NOON, 60_000)
    return tenant, venue


@pytest.mark.parametrize("dataset", DATA_SETS)
async def test_an_empty_data_set_is_its_columns_alone(metrics_process, dataset):
    tenant = uuid4()
    async with as_service(metrics_process, tenant) as client:
        request = asked(dataset, None if dataset in UNDATED else WINDOW)
        messages = [one async for one in client.analytics.ExportRows(request, metadata=client.metadata)]

    assert len(messages) == 1
    assert [one.name for one in messages[0].columns] == [one.name for one in DATA_SETS[dataset].columns]


async def test_columns_come_in_the_order_in_which_they_are_asked_for(export):
    whole = await export("events")
    some = await export("events", columns=["net_minor", "event_name", "starts_at", "currency"])

    assert list(some[0]) == ["net_minor", "event_name", "starts_at", "currency"]
    assert some == [{name: row[name] for name in some[0]} for row in whole]


async def test_an_unknown_column_is_refused_with_the_list(metrics_process):
    async with as_service(metrics_process, uuid4()) as client:
        request = asked("venues", columns=["venue_id", "customer_id"])
        call = client.analytics.ExportRows(request, metadata=client.metadata)
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await call.read()

    assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert ", ".join(column.name for column in DATA_SETS["venues"].columns) in refusal.value.details()


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("window", asked("orders")),
        ("window.endTime", asked("orders", tuple(reversed(WINDOW)))),
        ("eventId", asked("sales_daily", WINDOW, event_id=str(uuid4()))),
        ("eventId", asked("venues", event_id=str(uuid4()))),
        ("metricType", asked("orders", WINDOW, metric_type="door_scans")),
        ("dataset", asked("customers", WINDOW)),
        ("limit", asked("events", limit=0)),
    ],
)
async def test_requests_that_break_a_rule_are_refused(metrics_process, field, request_):
    async with as_service(metrics_process, uuid4()) as client:
        fields = await bad_fields(client.analytics.ExportRows(request_, metadata=client.metadata).read())

    assert fields == [field]


async def test_no_column_tells_anything_about_a_person():
    names = {column.name for dataset in DATA_SETS.values() for column in dataset.columns}

    assert not {name for name in names if "customer" in name or "session" in name or "metadata" in name}


async def test_a_limit_sends_the_first_rows(export, small_season):
    window = (small_season.now - timedelta(days=420), small_season.now)
    whole = await export("order_lines", window)

    assert await export("order_lines", window, limit=7) == whole[:7]
    assert await export("order_lines", window, limit=10**9) == whole
    assert await export("order_lines", window) == whole


async def test_what_is_not_known_is_null(handler, metrics_process):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    order = make.order_completed(tenant, venue, show=show)
    refund = make.order_refunded(tenant, venue, order.order_completed.order_id, amount=100)
    await recorded(handler, [order, refund])

    (event,) = await exported(metrics_process, tenant, asked("events"))
    (line,) = await exported(metrics_process, tenant, asked("order_lines", WINDOW))
    (back,) = await exported(metrics_process, tenant, asked("refunds", WINDOW))
    (of_venue,) = await exported(metrics_process, tenant, asked("venues"))

    unknown = ("event_name", "venue_name", "starts_at", "cancelled_at", "capacity")
    assert [event[name] for name in unknown] == [None] * 5
    assert (line["ticket_type_id"], line["event_id"]) == (None, str(show))
    assert (back["amount_minor"], back["ticket_count"]) == (100, None)
    assert (of_venue["venue_name"], of_venue["refund_minor"]) == (None, 100)


async def test_recorded_points(metrics_process):
    tenant, venues = uuid4(), sorted([uuid4(), uuid4()], key=str)
    start = datetime.now(UTC).replace(microsecond=125) - timedelta(hours=3)
    told = [
        (name, venue, start + timedelta(minutes=minute), float(minute))
        for minute in range(60)
        for name in ("door_scans", "queue_length")
        for venue in venues
    ]
    rows = [row(metric_type=name, venue_id=str(venue), at=at, value=value) for name, venue, at, value in told]
    async with metrics_process.client(tenant) as client:
        await client.metrics.BulkRecordMetrics(
            recording_pb2.BulkRecordMetricsRequest(metrics=rows[::-1]), metadata=client.metadata
        )
    window = (min(at for *_, at, _ in told), max(at for *_, at, _ in told))

    found = await exported(metrics_process, tenant, asked("metrics", window))
    scans = await exported(metrics_process, tenant, asked("metrics", window, metric_type="door_scans"))
    granted = await exported(metrics_process, tenant, asked("metrics", window), venue_ids=venues[1:])

    within = sorted((name, str(venue), at, value) for name, venue, at, value in told if at < window[1])
    columns = ("metric_type", "venue_id", "recorded_at", "value")
    assert [tuple(one[name] for name in columns) for one in found] == within
    assert len(within) < len(told)
    assert scans == [one for one in found if one["metric_type"] == "door_scans"]
    assert granted == [one for one in found if one["venue_id"] == str(venues[1])]


@pytest.mark.parametrize("dataset", [name for name in DATA_SETS if name != "metrics"])
async def test_a_grant_limits_rows_to_its_venues_and_a_tenant_to_its_own(
    export, metrics_process, small_season, dataset
):
    window = (small_season.now - timedelta(days=420), small_season.now)
    of_venue = str(small_season.venues[0].id)
    whole = await export(dataset, window)

    granted = await export(dataset, window, grant=[small_season.venues[0].id])
    asked_for = await export(dataset, window, venue_id=of_venue)

    assert granted
    assert granted == [row for row in whole if row["venue_id"] == of_venue]
    assert asked_for == granted
    assert await exported(metrics_process, uuid4(), asked(dataset, window)) == []


async def test_foreign_and_ungranted_venues_and_shows_are_not_found(metrics_process, small_season):
    venue, other = small_season.venues[:2]
    show = next(one for one in small_season.shows.values() if one.venue_id == venue.id)

    async def answer(tenant, grant=None, **fields):
        async with as_service(metrics_process, tenant, venue_ids=grant) as client:
            call = client.analytics.ExportRows(asked("events", **fields), metadata=client.metadata)
            return await refused(call.read())

    no_venue, no_show = ("NOT_FOUND", "VENUE_NOT_FOUND"), ("NOT_FOUND", "EVENT_NOT_FOUND")
    tenant = small_season.tenant_id
    assert await answer(uuid4(), venue_id=str(venue.id)) == no_venue
    assert await answer(tenant, grant=[other.id], venue_id=str(venue.id)) == no_venue
    assert await answer(uuid4(), event_id=str(show.id)) == no_show
    assert await answer(tenant, grant=[other.id], event_id=str(show.id)) == no_show
    assert await answer(tenant, venue_id=str(other.id), event_id=str(show.id)) == no_show


async def test_users_are_refused(metrics_process):
    async with metrics_process.client(uuid4()) as client:
        call = client.analytics.ExportRows(asked("events"), metadata=client.metadata)

        assert (await refused(call.read()))[0] == "PERMISSION_DENIED"


async def test_what_commits_after_the_first_message_is_not_sent(metrics_process, many, as_admin):
    tenant, venue = many
    async with as_service(metrics_process, tenant) as client:
        call = client.analytics.ExportRows(asked("order_lines", WINDOW), metadata=client.metadata)
        first = await call.read()
        await as_admin.execute(MANY_LINES, tenant, venue, make.NOON + timedelta(days=10), 10)
        await as_admin.execute("update order_lines set gross_minor = -1 where tenant_id = $1", tenant)
        rows = table([first, *await rest_of(call)])

    assert [row["gross_minor"] for row in rows] == list(range(1, 60_001))


async def test_a_caller_that_goes_away_closes_the_cursor(metrics_process, many, as_admin):
    tenant, _ = many

    async def exporting():
        return await as_admin.fetchval(EXPORTING)

    async with as_service(metrics_process, tenant) as client:
        call = client.analytics.ExportRows(asked("order_lines", WINDOW), metadata=client.metadata)
        await call.read()
        assert await eventually_equal(exporting, 1)
        call.cancel()

        assert await eventually_equal(exporting, 0)


async def test_the_token_ends_an_export(metrics_process, many, as_admin):
    tenant, _ = many
    issuer = IdentityIssuer("metrics", metrics_process.credentials.identity_key("metrics"), AUDIENCE)
    token = issuer.token(tenant, PERMISSIONS, ttl=timedelta(seconds=2))
    async with Client.connected(metrics_process.port, tenant, token) as client:
        call = client.analytics.ExportRows(asked("order_lines", WINDOW), metadata=client.metadata)
        await call.read()

        async def rest():
            await asyncio.sleep(2)  # the buffers are full, and what the token allows is over
            return await rest_of(call)

        assert await refused(rest()) == ("UNAUTHENTICATED", "TOKEN_EXPIRED")

    assert await eventually_equal(lambda: as_admin.fetchval(EXPORTING), 0)


async def test_a_reader_that_takes_nothing_is_cut_off(database, venues, many):
    tenant, _ = many
    batches = Exporter(database, venues, idle_seconds=0.2).batches(
        TenantScope(tenant), question_of(asked("order_lines", WINDOW))
    )
    await anext(batches)

    async def is_cut_off():
        async with database.transaction(TenantScope(tenant)) as conn:
            return await conn.fetchval(EXPORTING) == 0

    assert await asyncio.create_task(eventually_equal(is_cut_off, expected=True))
    with pytest.raises(DependencyUnavailable):
        await anext(batches)


async def test_no_more_exports_run_at_once_than_may(database, venues, many):
    tenant, _ = many
    exporter = Exporter(database, venues, most_at_once=1)
    question = question_of(asked("order_lines", WINDOW))
    first = exporter.batches(TenantScope(tenant), question)
    await anext(first)

    with pytest.raises(ExportsBusy):
        await anext(exporter.batches(TenantScope(tenant), question))

    await first.aclose()
    rows = [row async for batch in exporter.batches(TenantScope(tenant), question) for row in batch]
    assert len(rows) == 60_000


async def test_long_rows_come_in_several_messages():
    columns = DATA_SETS["metrics"].columns[:1]
    rows = [(f"{number:05}" + "x" * 3_000,) for number in range(1_000)]

    messages = list(batch_messages(columns, [0], rows))

    assert len(messages) > 1
    assert max(message.ByteSize() for message in messages) <= 2**20
    sent = [row for one in messages for row in rows_of(_described(columns), one.batch)]
    assert [row["metric_type"] for row in sent] == [row[0] for row in rows]


def _described(columns):
    return columns_message(columns).columns
