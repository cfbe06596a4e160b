"""Runs over tenants: what is foretold is replaced as a whole, forgets the erased, and is used elsewhere."""

import asyncio
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from io import BytesIO
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tickettoken.customers.v1 import models_pb2, profile_pb2, segments_pb2

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from libs.common.jobs.runner import JobRunner
from services.customers.churn.calculation import churned
from services.customers.churn.jobs import jobs_of
from services.customers.churn.reader import ChurnReader
from services.customers.churn.schedule import CHURN_ID, CHURN_JOB
from services.customers.errors import RebuildInProgress
from services.customers.lifetime.copy_format import read_purchases
from services.customers.lifetime.places import located
from services.customers.lifetime.purchases import customers_of
from services.customers.lifetime.selection import CANDIDATES
from services.customers.models.entry import WHOLE_TENANT
from services.customers.namespaces import venue_namespace
from tests.customers.churn.conftest import REGULAR, ZONES
from tests.customers.lifetime.conftest import orders_of
from tests.customers.lifetime.histories import START, Row, copy_file, drawn_rows
from tests.platform import events as make

STORED = """
select venue_id, customer_id, probability, horizon_days, model, drivers::text as drivers, usual_gap_days,
       has_missed_usual_show, newest_fact_at
  from customer_churn
 where tenant_id = $1
 order by venue_id, customer_id
"""
COUNTS = "select count(*), count(distinct computed_at) from customer_churn where tenant_id = $1"
SERVING = """
select venue_id, name, parameters::text as parameters, fitted_on
  from models
 where tenant_id = $1 and kind = 'purchases' and is_serving
"""
MODELS = """
select venue_id, name, is_serving, refusal, hold_out::text as hold_out, trained_at
  from models
 where tenant_id = $1 and kind = 'churn'
"""


async def test_a_run_again_leaves_the_same_and_readers_see_whole_runs(
    as_admin, apply, churn_runs, tenant_id, venue_ids, foretold
):
    before = await as_admin.fetch(STORED, tenant_id)
    with acting_as(service_caller("customers", tenant_id)):
        await churn_runs.run(TenantScope(tenant_id))
    assert await as_admin.fetch(STORED, tenant_id) == before
    await apply(orders_of(tenant_id, venue_ids, drawn_rows(40, 33)))
    seen = set()

    async def look(done):
        while not done.is_set():
            seen.add(tuple(await as_admin.fetchrow(COUNTS, tenant_id)))
            await asyncio.sleep(0)

    done = asyncio.Event()
    looking = asyncio.create_task(look(done))
    with acting_as(service_caller("customers", tenant_id)):
        report = await churn_runs.run(TenantScope(tenant_id))
    done.set()
    await looking

    assert report.row_count > len(before)
    assert seen <= {(len(before), 1), (report.row_count, 1)}


async def test_a_run_that_fails_or_must_wait_leaves_everything_as_it_was(
    as_admin, churn_runs, tenant_id, foretold
):
    before = await as_admin.fetch(STORED, tenant_id)

    def stumble(stage, _share):
        if stage == "writing":
            raise RuntimeError("no")

    with acting_as(service_caller("customers", tenant_id)):
        with pytest.raises(RuntimeError, match="no"):
            await churn_runs.run(TenantScope(tenant_id), progress=stumble)
        await as_admin.execute(
            "insert into read_model_rebuilds values ($1, now(), 'somewhere', null)", tenant_id
        )
        with pytest.raises(RebuildInProgress):
            await churn_runs.run(TenantScope(tenant_id))

    assert await as_admin.fetch(STORED, tenant_id) == before


async def test_a_person_erased_while_a_run_works_is_not_foretold(as_admin, churn_runs, tenant_id, foretold):
    gone = foretold[0].customer

    async def erase():
        for table in ("customers", "customer_venues", "purchases", "customer_churn"):
            await as_admin.execute(
                f"delete from {table} where tenant_id = $1 and customer_id = $2", tenant_id, gone
            )

    erasing = []

    def progress(_stage, _share):
        if not erasing:
            erasing.append(asyncio.create_task(erase()))

    with acting_as(service_caller("customers", tenant_id)):
        await churn_runs.run(TenantScope(tenant_id), progress=progress)
    await asyncio.gather(*erasing)

    stored = {row["customer_id"] for row in await as_admin.fetch(STORED, tenant_id)}
    assert gone not in stored
    assert {row.customer for row in foretold} - stored == {gone}


async def test_returned_purchases_foretell_nothing(as_admin, apply, foretell, tenant_id, venue_ids):
    rows = drawn_rows(200, 22)
    order, gone = uuid4(), UUID(int=77)
    at = START + timedelta(days=10)
    bought = make.order_completed(tenant_id, venue_ids[0], order, customer=gone, lines=((1, 900),), at=at)
    refund = make.order_refunded(tenant_id, venue_ids[0], order, amount=900, at=at + timedelta(days=1))
    await apply([refund, bought, *orders_of(tenant_id, venue_ids, rows)])

    report = await foretell(tenant_id)

    stored = await as_admin.fetch(STORED, tenant_id)
    assert gone not in {row["customer_id"] for row in stored}
    assert [place.venue_id for place in report.places] == [WHOLE_TENANT, venue_ids[0]]
    halves = defaultdict(dict)
    for row in stored:
        halves[row["venue_id"]][row["customer_id"]] = row["probability"]
    assert halves[WHOLE_TENANT] == halves[venue_ids[0]]


async def test_the_reader_gives_a_grant_nothing_of_other_venues(database, town):
    tenant_id, venue_ids = town.tenant_id, town.venue_ids
    reader, granted = ChurnReader(database), TenantScope(tenant_id, frozenset({venue_ids[1]}))

    whole = await reader.probabilities(TenantScope(tenant_id), [REGULAR])
    one = await reader.probabilities(TenantScope(tenant_id), [REGULAR], venue_id=venue_ids[0])

    assert whole[REGULAR].horizon_days == one[REGULAR].horizon_days == 90
    assert await reader.probabilities(granted, [REGULAR]) == {}
    assert await reader.probabilities(granted, [REGULAR], venue_id=venue_ids[0]) == {}
    assert await reader.probabilities(TenantScope(uuid4()), [REGULAR]) == {}
    assert await reader.probabilities(TenantScope(tenant_id), []) == {}


async def test_a_tenants_first_order_schedules_its_nightly_run_which_foretells(
    as_admin, worker_database, churn_runs, apply, tenant_id, venue_ids
):
    await apply(orders_of(tenant_id, venue_ids, [Row(0, UUID(int=1), START)]))
    (schedule,) = await as_admin.fetch(
        "select id, subject from job_schedules where tenant_id = $1 and job = $2", tenant_id, CHURN_JOB
    )
    assert (schedule["id"], schedule["subject"]) == (CHURN_ID, "service:customers")
    await as_admin.execute("update job_schedules set next_due_at = now() where tenant_id = $1", tenant_id)
    runner = JobRunner(worker_database, service="customers", jobs=jobs_of(churn_runs))

    while not await as_admin.fetchval(
        "select count(*) from job_runs where tenant_id = $1 and job = $2 and state = 'succeeded'",
        tenant_id,
        CHURN_JOB,
    ):
        await as_admin.execute("update job_runs set claimable_at = now() where state = 'waiting'")
        await runner.step(now=datetime.now(UTC))
        await runner.idle()

    assert not await as_admin.fetch(STORED, tenant_id)  # no model of purchases was fitted before


async def test_a_run_ends_cached_answers_about_its_venues(cache, churn_runs, tenant_id, venue_ids, foretold):
    async def ask(answer):
        async def compute():
            return answer

        return await cache.get_or_compute(venue_namespace(venue_ids[0]), "k", timedelta(minutes=5), compute)

    with acting_as(service_caller("customers", tenant_id)):
        assert await ask(b"before") == b"before"
        await churn_runs.run(TenantScope(tenant_id))

        assert await ask(b"after") == b"after"


async def test_profiles_lists_segments_and_model_figures_tell_of_churn(
    as_admin, customers_process, client, scoring_runs, churn_runs, tenant_id, venue_ids, foretold
):
    scope, venue = TenantScope(tenant_id), str(venue_ids[0])
    with acting_as(service_caller("customers", tenant_id)):
        await scoring_runs.run(scope, as_of=datetime.now(UTC))
    stored = {
        row["customer_id"]: row
        for row in await as_admin.fetch(STORED, tenant_id)
        if row["venue_id"] == venue_ids[0]
    }
    someone = foretold[0].customer
    middle = float(np.median([row["probability"] for row in stored.values()]))
    likely = segments_pb2.SegmentPredicate(
        conditions=[segments_pb2.SegmentCondition(field="churn", operator=">=", number=middle)]
    )
    making = segments_pb2.CreateSegmentRequest(venue_id=venue, name="likely_gone", predicate=likely)
    made = await client.customers.CreateSegment(making, metadata=client.with_key(str(uuid4())))
    expected = {who for who, row in stored.items() if row["probability"] >= middle}
    assert made.segment.customer_count == len(expected)

    # as if the run before had seen none of them: the next one brings the members after
    await as_admin.execute("delete from customer_segment_members where tenant_id = $1", tenant_id)
    with acting_as(service_caller("customers", tenant_id)):
        await churn_runs.run(scope)
    members = await as_admin.fetch(
        "select customer_id from customer_segment_members where tenant_id = $1", tenant_id
    )
    assert {row["customer_id"] for row in members} == expected

    request = segments_pb2.ListVenueCustomersRequest(venue_id=venue, order_by="churn", page_size=1000)
    listed = (await client.insights.ListVenueCustomers(request, metadata=client.metadata)).customers
    known = [one for one in listed if one.HasField("churn_probability")]
    assert {UUID(one.customer_id): one.churn_probability for one in known} == {
        who: row["probability"] for who, row in stored.items()
    }
    chances = [one.churn_probability for one in known]
    assert chances == sorted(chances, reverse=True)
    assert {one.churn_horizon_days for one in known} == {90}
    assert list(listed[: len(known)]) == known  # who has none comes last

    asked = profile_pb2.GetCustomerProfileRequest(venue_id=venue, customer_id=str(someone))
    profile = (await client.customers.GetCustomerProfile(asked, metadata=client.metadata)).profile
    assert profile.churn.churn_probability == stored[someone]["probability"]
    assert (profile.churn.horizon_days, profile.churn.model) == (90, stored[someone]["model"])

    service = (("authorization", f"Bearer {customers_process.service_token(tenant_id)}"),)
    performance = models_pb2.GetCustomerModelPerformanceRequest(model_type="churn", venue_id=venue)
    models = (await client.predictions.GetCustomerModelPerformance(performance, metadata=service)).models
    assert {one.kind for one in models} == {"churn"}
    (serving,) = [one for one in models if one.is_serving]
    assert serving.name == stored[someone]["model"]
    registered = await as_admin.fetch(MODELS, tenant_id)
    assert {one.name for one in models} == {
        row["name"] for row in registered if row["venue_id"] == venue_ids[0]
    }


def calculated_again(town, serving):
    """Each place's churn from plain rows, in this process; by place and customer."""
    purchases = read_purchases(BytesIO(copy_file(town.rows[:-1])))
    customers, codes = customers_of(purchases)
    clocks = dict(zip(town.venue_ids, map(ZoneInfo, ZONES), strict=True))
    found, whole = {}, None
    for place in located(purchases, codes, clocks, town.as_of):
        row = serving[place.venue_id]
        model = next(one for one in CANDIDATES if one.name == row["name"])
        parameters = json.loads(row["parameters"])
        churn = churned(
            place.place,
            model,
            np.array([parameters[name] for name in model.parameters]),
            end=place.end,
            horizon_days=90,
            venue_id=place.venue_id,
            fitted_on=row["fitted_on"],
            whole=whole,
        )
        whole = whole or churn
        for number, code in enumerate(churn.customers.tolist()):
            who = UUID(int=(int(customers.high[code]) << 64) + int(customers.low[code]))
            found[place.venue_id, who] = churn, number
    return found


async def test_a_run_stores_what_the_calculation_says_of_every_customer(as_admin, town):
    serving = {row["venue_id"]: row for row in await as_admin.fetch(SERVING, town.tenant_id)}

    stored = await as_admin.fetch(STORED, town.tenant_id)

    again = calculated_again(town, serving)
    newest = defaultdict(lambda: datetime.min.replace(tzinfo=UTC))
    for row in town.rows[:-1]:
        for place in (town.venue_ids[row.venue], WHOLE_TENANT):
            newest[place, row.customer] = max(newest[place, row.customer], row.sold_at)
    assert {(row["venue_id"], row["customer_id"]) for row in stored} == set(again)
    for row in stored:
        key = row["venue_id"], row["customer_id"]
        churn, number = again[key]
        assert row["probability"] == pytest.approx(churn.probability[number], abs=1e-9)
        assert (row["model"], row["horizon_days"]) == (churn.model, 90)
        assert row["newest_fact_at"] == newest[key]
        gap = churn.usual_gap_days[number]
        assert row["usual_gap_days"] == (None if np.isnan(gap) else pytest.approx(gap))
        missed = bool(churn.has_missed_usual_show[number])
        assert row["has_missed_usual_show"] == (None if np.isnan(gap) else missed)
        _assert_drivers(json.loads(row["drivers"]), churn.drivers, number)


def _assert_drivers(stored, drivers, number):
    if drivers is None:
        assert stored == []
        return
    features = [feature for feature in drivers.features[number].tolist() if feature >= 0]
    assert [one["name"] for one in stored] == [drivers.names[feature] for feature in features]
    for place, one in enumerate(stored):
        value = drivers.values[number, place]
        assert one["value"] == (None if np.isnan(value) else pytest.approx(value, rel=1e-5))
        assert one["effect"] == pytest.approx(drivers.effects[number, place], rel=1e-5)
