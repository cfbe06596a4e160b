"""Rows of exports are those of a naive count, one snapshot, and show people to those who may know them."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import grpc
import pytest
from tickettoken.customers.v1 import rows_pb2

from deploy.local.credentials import AUDIENCE, PERMISSIONS
from libs.common.auth.identity import IdentityIssuer
from libs.common.context import TenantScope
from libs.common.errors import DependencyUnavailable
from libs.common.redis import connect
from libs.common.tables.snapshots import ExportsBusy
from services.customers.exports.data_sets import DATA_SETS
from services.customers.exports.exporter import Exporter
from services.customers.exports.question import question_of
from services.customers.people.identity import PII
from services.customers.privacy.pseudonyms import DailyPseudonyms
from tests.customers.people.shoppers import bought, record, registered
from tests.customers.process import Client
from tests.customers.purchases import histories
from tests.customers.purchases.histories import History
from tests.metrics.exports.reading import rest_of, table
from tests.metrics.serving import bad_fields, eventually_equal, refused
from tests.platform import events as make

ALWAYS = (make.NOON - timedelta(days=9), make.NOON + timedelta(days=400))
WHOLE_TENANT = UUID(int=0)

# Grain: a made-up order, a second after the one before.
MANY = """
insert into purchases (tenant_id, order_id, currency, venue_id, customer_id, sold_at, channel, order_count,
                       ticket_count, refunded_ticket_count, gross_minor, refund_minor, fee_minor,
                       newest_fact_at)
select $1, gen_random_uuid(), 'EUR', $2, $2, $3::timestamptz + number * interval '1 second', 'web', 1, 1, 0,
       number, 0, 0, $3::timestamptz
  from generate_series(1, $4::integer) as number
"""
# Grain: a score of a customer.
SCORE = """
insert into customer_rfm_scores (tenant_id, venue_id, customer_id, currency, last_purchase_at,
                                 last_purchase_day, order_count, spend_minor, recency_score, frequency_score,
                                 monetary_score, segment, newest_fact_at, changed_at, is_incremental)
values ($1, $2, $3, 'EUR', $4, $4::timestamptz::date, 3, 900, 5, 4, 3, 'loyal', $4, $4, false)
"""
# Grain: connection that an export holds.
EXPORTING = """
select count(*) from pg_stat_activity
 where datname = current_database() and state = 'idle in transaction' and query like '%purchases%'
"""


ADA = {"name": "Ada Byron", "email": "ada@example.org", "phone": "+441234567890", "city": "London"}


def ada(tenant, person, **known):
    profile = {**ADA, "country": "GB", "tags": ["vip"], **known}
    return registered(tenant, person, registered_at=make.NOON, channel="app", **profile)


def asked(dataset, window=None, **fields):
    request = rows_pb2.ExportRowsRequest(dataset=dataset, **fields)
    if window is not None:
        request.window.start_time.FromDatetime(window[0])
        request.window.end_time.FromDatetime(window[1])
    return request


@pytest.fixture
def as_service(customers_process):
    """Clients with the identity of a service."""

    def connected(tenant, *, venues=None, permissions=PERMISSIONS, ttl=timedelta(minutes=5)):
        key = customers_process.credentials.identity_key("customers")
        token = IdentityIssuer("customers", key, AUDIENCE).token(tenant, permissions, venues, ttl)
        return Client.connected(customers_process.port, tenant, token)

    return connected


@pytest.fixture
def export(as_service):
    """All rows of a data set, each as a dict by column."""

    async def read(tenant, dataset, window=None, *, venues=None, permissions=PERMISSIONS, **fields):
        async with as_service(tenant, venues=venues, permissions=permissions) as client:
            call = client.customers.ExportRows(asked(dataset, window, **fields), metadata=client.metadata)
            return table([message async for message in call])

    return read


@pytest.fixture
def pseudonyms(redis):
    return DailyPseudonyms(redis, service="customers")


@pytest.fixture
def named(pseudonyms):
    """How exports of today name people of a tenant: those whose newest profile consents by their id."""

    async def named(tenant, events):
        names = await pseudonyms.of_day(tenant, ZoneInfo("UTC"))
        told = histories.profiles(events)
        return lambda person: (
            person if person in told and told[person].marketing_consent else names.of("customer", person)
        )

    return named


@pytest.fixture
async def history(handler):
    made = History(23)
    await record(handler, made.events)
    return made


@pytest.fixture
async def many(handler, as_admin):
    """A tenant with 60,000 purchases: far more than the buffers of a connection hold."""
    tenant, venue = uuid4(), uuid4()
    await record(handler, [make.venue_updated(tenant, venue)])
    await as_admin.execute(MANY, tenant, venue, make.NOON, 60_000)
    return tenant, venue


async def test_purchases_are_those_of_a_naive_recount_in_the_order_of_time(export, history, named):
    rows = await export(history.tenant, "purchases", ALWAYS)

    told, name = histories.purchases(history.events), await named(history.tenant, history.events)
    assert {len(row["customer_id"]) for row in rows} == {32, 36}, "some have consented, and some have not"
    assert len(rows) == len(told)
    assert [row["sold_at"] for row in rows] == sorted(row["sold_at"] for row in told.values())
    for row in rows:
        expected = told[row["order_id"], row["currency"]]
        expected.pop("session_id")
        expected["customer_id"] = name(expected["customer_id"])
        assert {name: row[name] for name in expected} == expected


async def test_a_window_is_half_open_and_a_venue_or_a_grant_limits_rows(export, history):
    venue = history.venues[0]
    whole = await export(history.tenant, "purchases", ALWAYS)
    window = (whole[3]["sold_at"], whole[20]["sold_at"])

    assert await export(history.tenant, "purchases", window) == whole[3:20]
    at_venue = [row for row in whole if row["venue_id"] == str(venue)]
    assert await export(history.tenant, "purchases", ALWAYS, venue_id=str(venue)) == at_venue
    assert await export(history.tenant, "purchases", ALWAYS, venues=[venue]) == at_venue
    assert await export(uuid4(), "purchases", ALWAYS) == []
    assert await export(history.tenant, "purchases", ALWAYS, limit=5) == whole[:5]


async def test_customers_are_told_of_with_what_they_did_at_the_venues_covered(export, history, named):
    venue, name = history.venues[1], await named(history.tenant, history.events)

    everyone = {row["customer_id"]: row for row in await export(history.tenant, "customers")}
    there = {row["customer_id"]: row for row in await export(history.tenant, "customers", venues=[venue])}

    seen, bought_rows = histories.seen(history.events), histories.purchases(history.events)
    people = {person for _, person in seen} | set(histories.profiles(history.events))
    assert set(everyone) == {name(person) for person in people}
    met = {name(person): person for at, person in seen if at == str(venue)}
    assert set(there) == set(met)
    for called, row in there.items():
        person = met[called]
        assert (row["first_seen_at"], row["last_seen_at"]) == seen[str(venue), person]
        own = [
            one
            for one in bought_rows.values()
            if (one["venue_id"], one["customer_id"]) == (str(venue), person)
        ]
        assert row["order_count"] == sum(one["order_count"] for one in own)
        assert row["ticket_count"] == sum(one["ticket_count"] - one["refunded_ticket_count"] for one in own)
    last = max(seen[pair][1] for pair in seen)
    recent = await export(history.tenant, "customers", (last, last + timedelta(seconds=1)))
    assert [row["last_seen_at"] for row in recent] == [last]


async def test_who_people_are_is_masked_without_the_permission(handler, export):
    tenant, venue, person = (uuid4() for _ in range(3))
    await record(handler, [ada(tenant, person, marketing_consent=True), bought(tenant, venue, person)])

    whole = {row["customer_id"]: row for row in await export(tenant, "customers")}
    few = [one for one in PERMISSIONS if one != PII]
    masked = {row["customer_id"]: row for row in await export(tenant, "customers", permissions=few)}

    row = whole[str(person)]
    assert {name: row[name] for name in ADA} == ADA
    assert (row["tags"], row["marketing_consent"], row["registered_at"]) == ('["vip"]', True, make.NOON)
    hidden = {"name": "A*** B***", "email": "a***@e***.org", "phone": "***90", "city": "L***", "tags": None}
    assert masked[str(person)] == row | hidden


@pytest.mark.parametrize("permissions", [PERMISSIONS, [one for one in PERMISSIONS if one != PII]])
async def test_who_has_not_consented_is_in_every_data_set_under_one_name_of_the_day_alone(
    handler, as_admin, export, pseudonyms, permissions
):
    tenant, venue, refused_, silent, stranger = (uuid4() for _ in range(5))
    await record(
        handler,
        [
            ada(tenant, refused_, marketing_consent=False),
            ada(tenant, silent),
            *(bought(tenant, venue, person) for person in (refused_, silent, stranger)),
        ],
    )
    for person in (refused_, silent, stranger):
        await as_admin.execute(SCORE, tenant, venue, person, make.NOON)

    rows = {
        dataset: await export(tenant, dataset, ALWAYS, permissions=permissions, venue_id=str(venue))
        for dataset in DATA_SETS
    }

    names = await pseudonyms.of_day(tenant, ZoneInfo("UTC"))
    called = {names.of("customer", str(person)): person for person in (refused_, silent, stranger)}
    for dataset in DATA_SETS:
        assert {row["customer_id"] for row in rows[dataset]} == set(called)
    people = {called[row["customer_id"]]: row for row in rows["customers"]}
    for person, consent in ((refused_, False), (silent, None)):
        row = people[person]
        assert [row[name] for name in (*ADA, "tags")] == [None] * 5
        assert (row["marketing_consent"], row["country"], row["order_count"]) == (consent, "GB", 1)
    unknown = ("name", "country", "marketing_consent", "registered_at", "channel")
    assert [people[stranger][name] for name in unknown] == [None] * 5


async def test_without_the_salts_nobody_is_exported_by_their_id(database, venues, many):
    nowhere = connect("redis://127.0.0.1:1")
    exporter = Exporter(database, venues, DailyPseudonyms(nowhere, service="customers"))

    with pytest.raises(DependencyUnavailable):
        await anext(exporter.batches(TenantScope(many[0]), question_of(asked("purchases", ALWAYS))))

    await nowhere.aclose()


async def test_scores_of_the_whole_tenant_are_sent_to_callers_without_a_grant_alone(
    handler, as_admin, export
):
    tenant, venue, person = uuid4(), uuid4(), uuid4()
    await record(handler, [make.venue_updated(tenant, venue)])
    for place in (WHOLE_TENANT, venue):
        await as_admin.execute(SCORE, tenant, place, person, make.NOON)

    rows = await export(tenant, "scores")

    assert [row["venue_id"] for row in rows] == [None, str(venue)]
    assert {(row["segment"], row["recency_score"], row["spend_minor"]) for row in rows} == {("loyal", 5, 900)}
    assert await export(tenant, "scores", venues=[venue]) == rows[1:]
    assert await export(tenant, "scores", venue_id=str(venue)) == rows[1:]
    after = (make.NOON + timedelta(seconds=1), ALWAYS[1])
    assert await export(tenant, "scores", after) == []


@pytest.mark.parametrize("dataset", DATA_SETS)
async def test_an_empty_data_set_is_its_columns_alone(as_service, dataset):
    async with as_service(uuid4()) as client:
        call = client.customers.ExportRows(asked(dataset, ALWAYS), metadata=client.metadata)
        messages = [one async for one in call]

    assert len(messages) == 1
    assert [one.name for one in messages[0].columns] == [one.name for one in DATA_SETS[dataset].columns]


async def test_columns_come_in_the_order_in_which_they_are_asked_for(export, history):
    (row, *_) = await export(history.tenant, "customers", columns=["order_count", "name", "customer_id"])

    assert list(row) == ["order_count", "name", "customer_id"]


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("window", asked("purchases")),
        ("window.endTime", asked("customers", tuple(reversed(ALWAYS)))),
        ("dataset", asked("orders", ALWAYS)),
        ("limit", asked("customers", limit=0)),
        ("columns[0]", asked("scores", columns=["email"])),
    ],
)
async def test_requests_that_break_a_rule_are_refused(as_service, field, request_):
    async with as_service(uuid4()) as client:
        fields = await bad_fields(client.customers.ExportRows(request_, metadata=client.metadata).read())

    assert fields == [field]


async def test_foreign_and_ungranted_venues_are_not_found_and_users_are_refused(
    as_service, customers_process, history
):
    venue, other = history.venues[:2]

    async def answer(client):
        async with client:
            request = asked("customers", venue_id=str(venue))
            return await refused(client.customers.ExportRows(request, metadata=client.metadata).read())

    assert await answer(as_service(uuid4())) == ("NOT_FOUND", "VENUE_NOT_FOUND")
    assert await answer(as_service(history.tenant, venues=[other])) == ("NOT_FOUND", "VENUE_NOT_FOUND")
    assert (await answer(customers_process.client(history.tenant)))[0] == "PERMISSION_DENIED"


async def test_what_commits_after_the_first_message_is_not_sent(as_service, many, as_admin):
    tenant, venue = many
    async with as_service(tenant) as client:
        call = client.customers.ExportRows(asked("purchases", ALWAYS), metadata=client.metadata)
        first = await call.read()
        await as_admin.execute(MANY, tenant, venue, make.NOON + timedelta(days=10), 10)
        await as_admin.execute("update purchases set channel = 'door' where tenant_id = $1", tenant)
        rows = table([first, *await rest_of(call)])

    assert [row["gross_minor"] for row in rows] == list(range(1, 60_001))
    assert {row["channel"] for row in rows} == {"web"}


async def test_the_token_ends_an_export(as_service, many, as_admin):
    async with as_service(many[0], ttl=timedelta(seconds=2)) as client:
        call = client.customers.ExportRows(asked("purchases", ALWAYS), metadata=client.metadata)
        await call.read()

        async def rest():
            await asyncio.sleep(2)  # the buffers are full, and what the token allows is over
            return await rest_of(call)

        assert await refused(rest()) == ("UNAUTHENTICATED", "TOKEN_EXPIRED")

    assert await eventually_equal(lambda: as_admin.fetchval(EXPORTING), 0)


async def test_a_caller_that_goes_away_closes_the_cursor(as_service, many, as_admin):
    async with as_service(many[0]) as client:
        call = client.customers.ExportRows(asked("purchases", ALWAYS), metadata=client.metadata)
        assert await call.read() is not grpc.aio.EOF
        assert await eventually_equal(lambda: as_admin.fetchval(EXPORTING), 1)
        call.cancel()

        assert await eventually_equal(lambda: as_admin.fetchval(EXPORTING), 0)


async def test_no_more_exports_run_at_once_than_may(database, venues, pseudonyms, many):
    exporter = Exporter(database, venues, pseudonyms)
    question = question_of(asked("purchases", ALWAYS))
    scope = TenantScope(many[0])
    running = [exporter.batches(scope, question) for _ in range(2)]
    for batches in running:
        await anext(batches)

    with pytest.raises(ExportsBusy):
        await anext(exporter.batches(scope, question))

    for batches in running:
        await batches.aclose()
    assert sum([len(batch) async for batch in exporter.batches(scope, question)]) == 60_000
