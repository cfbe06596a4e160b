"""Runs over purchases that came as events, against a naive recount of them."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from tests.customers.people.shoppers import bought, record
from tests.customers.purchases import histories
from tests.customers.purchases.histories import History
from tests.customers.rfm import comparing
from tests.customers.rfm.conftest import AS_OF
from tests.platform import events as make

ZONES = ("Pacific/Auckland", "America/New_York", "Asia/Kathmandu")


@pytest.fixture
async def history(handler):
    made = History(11, orders=150)
    zones = dict(zip(made.venues, ZONES, strict=True))
    described = [make.venue_updated(made.tenant, venue, time_zone=zone) for venue, zone in zones.items()]
    await record(handler, [*described, *made.arrivals(3)])
    made.zones = zones
    return made


def expected(made, venue, as_of=AS_OF):
    rows = comparing.rows_of(histories.purchases(made.events))
    if venue != comparing.WHOLE:
        rows = [row for row in rows if row[0] == venue]
    zones = made.zones if venue == comparing.WHOLE else {venue: made.zones[venue]}
    people = comparing.people_at(rows, made.zones, as_of)
    return people, comparing.scored(people, comparing.today_at(zones, as_of))


async def assert_exact(as_admin, made, as_of=AS_OF):
    for venue in (*made.venues, comparing.WHOLE):
        people, scores = expected(made, venue, as_of)
        assert await comparing.stored_people(as_admin, made.tenant, venue) == people
        assert await comparing.stored_scores(as_admin, made.tenant, venue) == scores
        assert await comparing.stored_totals(as_admin, made.tenant, venue) == comparing.totals_of(
            people, scores
        )


async def test_scores_and_sums_of_every_venue_and_of_the_tenant_equal_a_naive_recount(as_admin, run, history):
    await run(history.tenant)

    await assert_exact(as_admin, history)


async def test_a_run_that_finds_nothing_new_writes_no_row(as_admin, run, history):
    await run(history.tenant)
    before = await as_admin.fetch(
        "select ctid, xmin, customer_id from customer_rfm_scores"
        " where tenant_id = $1 and other_spend is null order by venue_id, customer_id",
        history.tenant,
    )

    places = await run(history.tenant, AS_OF + timedelta(minutes=1))

    after = await as_admin.fetch(
        "select ctid, xmin, customer_id from customer_rfm_scores"
        " where tenant_id = $1 and other_spend is null order by venue_id, customer_id",
        history.tenant,
    )
    assert before == after
    assert [place.move_count for place in places] == [0] * 4


async def test_moves_name_the_scores_that_moved_and_flows_count_them(as_admin, run, history):
    later = AS_OF + timedelta(days=40)
    await run(history.tenant)

    await run(history.tenant, later)

    await assert_exact(as_admin, history, later)
    for venue in (*history.venues, comparing.WHOLE):
        was, now = expected(history, venue)[1], expected(history, venue, later)[1]
        moves = await as_admin.fetch(
            "select * from segment_moves where tenant_id = $1 and venue_id = $2", history.tenant, venue
        )
        found = {}
        for move in moves:
            pairs = [
                (move[f"{name}_before"], move[f"{name}_after"])
                for name in ("recency", "frequency", "monetary")
            ]
            found[move["customer_id"]] = (move["from_segment"], move["to_segment"], pairs)
        recounted = {}
        for person in was.keys() | now.keys():
            before, after = was.get(person), now.get(person)
            if (before and before[3]) == (after and after[3]):
                continue
            pairs = [(None, None)] * 3
            if before and after:
                pairs = [
                    (old, new) if old != new else (None, None)
                    for old, new in zip(before[:3], after[:3], strict=True)
                ]
            recounted[person] = (before and before[3], after and after[3], pairs)
        assert found == recounted
        flows = await as_admin.fetchval(
            "select sum(customer_count)::bigint from segment_flows where tenant_id = $1 and venue_id = $2",
            history.tenant,
            venue,
        )
        assert (flows or 0) == len(recounted)


async def test_fewer_than_five_customers_are_scored_by_fixed_bounds_and_marked(as_admin, run, handler):
    tenant, venue, people = uuid4(), uuid4(), [uuid4() for _ in range(4)]
    sold = [bought(tenant, venue, person, at=AS_OF - timedelta(days=20)) for person in people]
    await record(handler, [*sold, bought(tenant, venue, people[0], lines=((1, 60_000),), at=AS_OF)])

    await run(tenant)

    scores = await comparing.stored_scores(as_admin, tenant, venue)
    assert scores[people[0]] == (5, 2, 5, "champions")
    assert scores[people[1]] == (5, 1, 1, "new")
    marks = await as_admin.fetch("select is_by_fixed_bounds from rfm_runs where tenant_id = $1", tenant)
    assert [mark["is_by_fixed_bounds"] for mark in marks] == [True, True]


async def test_a_customer_whose_only_purchase_went_back_is_none_any_more(as_admin, run, handler):
    tenant, venue, order, person = uuid4(), uuid4(), uuid4(), uuid4()
    await record(handler, [bought(tenant, venue, person, order, at=AS_OF - timedelta(days=3))])
    await run(tenant)

    await record(handler, [make.order_refunded(tenant, venue, order, amount=1_000, at=AS_OF)])
    await run(tenant, AS_OF + timedelta(hours=1))

    assert await comparing.stored_scores(as_admin, tenant, venue) == {}
    moves = await as_admin.fetch(
        "select from_segment, to_segment from segment_moves where tenant_id = $1 and venue_id = $2",
        tenant,
        venue,
    )
    assert [tuple(move) for move in moves] == [("new", None)]


async def test_one_purchase_between_runs_scores_its_customer_as_a_whole_run_would(as_admin, run, handler):
    now, chance = datetime.now(UTC), random.Random(4)
    tenant, venue, people = uuid4(), uuid4(), [uuid4() for _ in range(40)]
    await record(
        handler,
        [
            bought(
                tenant,
                venue,
                chance.choice(people),
                lines=((1, chance.choice((1_000, 2_000, 7_500))),),
                at=now - timedelta(days=chance.randrange(500), minutes=1),
            )
            for _ in range(120)
        ],
    )
    await run(tenant, now)

    for person in (*people[:3], uuid4()):
        await run(tenant, datetime.now(UTC))
        await record(
            handler, [bought(tenant, venue, person, lines=((2, 7_500),), at=now - timedelta(hours=1))]
        )
        incremental = (await comparing.stored_scores(as_admin, tenant, venue))[person]
        of_tenant = (await comparing.stored_scores(as_admin, tenant))[person]
        row = await as_admin.fetchrow(
            "select is_incremental from customer_rfm_scores"
            " where tenant_id = $1 and venue_id = $2 and customer_id = $3",
            tenant,
            venue,
            person,
        )
        people_sums = await comparing.stored_people(as_admin, tenant, venue)
        assert await comparing.stored_totals(as_admin, tenant, venue) == comparing.totals_of(
            people_sums, await comparing.stored_scores(as_admin, tenant, venue)
        )
        await run(tenant, datetime.now(UTC))

        assert row["is_incremental"]
        assert incremental == (await comparing.stored_scores(as_admin, tenant, venue))[person]
        assert of_tenant == incremental


async def test_whoever_is_scored_with_people_of_another_venue_counts_there_once(as_admin, run, handler):
    tenant, now = uuid4(), datetime.now(UTC)
    (here, there), people = (uuid4(), uuid4()), [uuid4() for _ in range(6)]
    sold = [
        bought(tenant, venue, person, at=now - timedelta(days=9))
        for person in people
        for venue in (here, there)
    ]
    await record(handler, sold)
    await run(tenant, now)

    at = now - timedelta(days=1)
    await record(handler, [bought(tenant, here, people[0], at=at), bought(tenant, there, people[1], at=at)])

    for venue in (here, there):
        scores = await comparing.stored_scores(as_admin, tenant, venue)
        totals = comparing.totals_of(await comparing.stored_people(as_admin, tenant, venue), scores)
        assert await comparing.stored_totals(as_admin, tenant, venue) == totals
        newcomers = await as_admin.fetch(
            "select from customer_rfm_scores"
            " where tenant_id = $1 and venue_id = $2 and is_incremental and ranked_day is null",
            tenant,
            venue,
        )
        assert newcomers == []


async def test_people_wait_for_a_run_in_progress_and_are_not_lost(as_admin, run, handler, rescoring):
    tenant, venue, people = uuid4(), uuid4(), [uuid4() for _ in range(6)]
    now = datetime.now(UTC)
    await record(handler, [bought(tenant, venue, person, at=now - timedelta(days=9)) for person in people])
    await run(tenant, now)

    async with as_admin.transaction():
        await as_admin.execute(
            "select pg_advisory_xact_lock(hashtextextended('scores of ' || $1::uuid::text, 0))", tenant
        )
        await record(handler, [bought(tenant, venue, people[0], at=now - timedelta(days=1))])
        waiting = await as_admin.fetchval("select count(*) from rfm_pending where tenant_id = $1", tenant)
    with acting_as(service_caller("customers", tenant)):
        await rescoring.catch_up(TenantScope(tenant))

    assert waiting == 1
    assert (await comparing.stored_people(as_admin, tenant, venue))[people[0]]["orders"] == 2
    assert await as_admin.fetchval("select count(*) from rfm_pending where tenant_id = $1", tenant) == 0


async def test_a_tenant_that_was_never_scored_asks_for_its_run_once_and_has_a_nightly_one(as_admin, handler):
    tenant, venue = uuid4(), uuid4()

    for _ in range(3):
        await record(handler, [bought(tenant, venue, uuid4())])

    asked = await as_admin.fetch("select job, run_key from job_runs where tenant_id = $1", tenant)
    nightly = await as_admin.fetchval(
        "select count(*) from job_schedules where tenant_id = $1 and job = 'rfm.score'", tenant
    )
    assert [tuple(one) for one in asked if one["job"] == "rfm.score"] == [("rfm.score", "first")]
    assert nightly == 1


async def test_a_place_that_grew_much_since_its_run_asks_for_another_one(as_admin, run, handler):
    tenant, venue = uuid4(), uuid4()
    now = datetime.now(UTC)
    await record(handler, [bought(tenant, venue, uuid4()) for _ in range(6)])
    await run(tenant, now)

    await record(handler, [bought(tenant, venue, uuid4()) for _ in range(6)])

    keys = await as_admin.fetch(
        "select run_key from job_runs where tenant_id = $1 and job = 'rfm.score'", tenant
    )
    assert {key["run_key"] for key in keys} == {"first", f"after {now.isoformat()}"}
