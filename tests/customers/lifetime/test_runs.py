"""Runs over tenants: purchases come as events, values and models are replaced as a whole."""

import asyncio
from collections import defaultdict
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from services.customers.models.entry import WHOLE_TENANT
from services.customers.models.process import FittingFailed, fitting_process
from services.customers.namespaces import venue_namespace
from tests.customers.lifetime.conftest import AS_OF, orders_of
from tests.customers.lifetime.histories import START, drawn_rows
from tests.customers.lifetime.stored import STORED
from tests.platform import events as make

COUNTS = """
select count(*), count(distinct computed_at) from customer_lifetime_value where tenant_id = $1
"""


async def test_a_run_stores_each_customer_by_venue_and_for_the_tenant(
    as_admin, fit, tenant_id, venue_ids, filled
):
    progress = []

    report = await fit(tenant_id, progress=lambda stage, share: progress.append((stage, share)))

    bought = defaultdict(lambda: [0, 0])
    for row in filled:
        for venue in (venue_ids[row.venue], WHOLE_TENANT):
            own = bought[venue, row.customer, row.currency]
            own[0] += 1
            own[1] += row.spend
    stored = await as_admin.fetch(STORED, tenant_id)
    assert {
        (row["venue_id"], row["customer_id"], row["currency"]): [row["purchase_count"], row["historic_minor"]]
        for row in stored
    } == bought
    assert report.row_count == len(stored)
    assert {row["basis"] for row in stored} == {"model"}
    assert all(row["low_minor"] <= row["expected_minor"] <= row["high_minor"] for row in stored)
    assert [share for _, share in progress] == sorted(share for _, share in progress)
    assert {place.venue_id for place in report.places} == {WHOLE_TENANT, *venue_ids}


async def test_a_run_that_looks_back_from_a_past_moment_sums_up_what_was_bought_until_then(
    as_admin, fit, tenant_id, venue_ids, filled
):
    past = START + timedelta(days=250, hours=3)

    await fit(tenant_id, as_of=past)

    bought = defaultdict(int)
    for row in filled:
        if row.sold_at <= past:
            bought[row.customer, row.currency] += row.spend
    stored = await as_admin.fetch(STORED, tenant_id)
    whole = {
        (row["customer_id"], row["currency"]): row["historic_minor"]
        for row in stored
        if row["venue_id"] == WHOLE_TENANT
    }
    assert whole == bought
    assert sum(bought.values()) < sum(row.spend for row in filled)


async def test_a_run_over_the_same_facts_leaves_the_same_values(as_admin, fit, tenant_id, filled):
    await fit(tenant_id)
    first = await as_admin.fetch(STORED, tenant_id)

    await fit(tenant_id)

    assert await as_admin.fetch(STORED, tenant_id) == first


async def test_readers_see_the_run_before_until_the_next_has_committed(
    database, as_admin, apply, fit, tenant_id, venue_ids, filled
):
    await fit(tenant_id)
    before = await as_admin.fetch(STORED, tenant_id)
    await apply(orders_of(tenant_id, venue_ids, drawn_rows(40, 33)))
    seen = set()

    async def look(done):
        while not done.is_set():
            rows = await as_admin.fetch(COUNTS, tenant_id)
            seen.add(tuple(rows[0]))
            await asyncio.sleep(0)

    done = asyncio.Event()
    looking = asyncio.create_task(look(done))
    report = await fit(tenant_id)
    done.set()
    await looking

    assert report.row_count > len(before)
    assert seen <= {(len(before), 1), (report.row_count, 1)}


async def test_a_run_that_fails_leaves_everything_as_it_was(as_admin, fit, tenant_id, filled):
    await fit(tenant_id)
    before = await as_admin.fetch(STORED, tenant_id)

    def stumble(stage, _share):
        if stage == "writing":
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await fit(tenant_id, as_of=AS_OF - timedelta(days=60), progress=stumble)

    assert await as_admin.fetch(STORED, tenant_id) == before


async def test_a_process_that_dies_is_told_as_such():
    async with fitting_process("tests.customers.lifetime.no_such_module") as process:
        with pytest.raises(FittingFailed):
            await process.message()


async def test_refunds_and_cancellations_leave_what_stands(
    as_admin, apply, fit, tenant_id, venue_ids, filled
):
    order, returned, cancelled = uuid4(), uuid4(), uuid4()
    customer, gone = UUID(int=77), UUID(int=78)
    at = START + timedelta(days=10)

    def bought(order_id, who, amount):
        return make.order_completed(
            tenant_id, venue_ids[0], order_id, customer=who, lines=((1, amount),), at=at, currency="EUR"
        )

    await apply(
        [
            make.order_refunded(tenant_id, venue_ids[0], order, amount=400, at=at + timedelta(days=3)),
            make.order_cancelled(tenant_id, venue_ids[0], cancelled, at=at + timedelta(days=2)),
            make.order_refunded(tenant_id, venue_ids[0], returned, amount=900, at=at + timedelta(days=2)),
            bought(cancelled, customer, 3000),
            bought(order, customer, 1000),
            bought(returned, gone, 900),
        ]
    )

    await fit(tenant_id)

    rows = {(row["venue_id"], row["customer_id"]): row for row in await as_admin.fetch(STORED, tenant_id)}
    kept = rows[venue_ids[0], customer]
    assert (kept["purchase_count"], kept["historic_minor"]) == (1, 600)
    assert kept["newest_fact_at"] == at + timedelta(days=3)
    assert (venue_ids[0], gone) not in rows


async def test_a_person_erased_while_a_run_works_is_not_valued_again(
    as_admin, fit, tenant_id, venue_ids, filled
):
    customer = filled[0].customer

    async def erase():
        for table in ("customers", "customer_venues", "purchases", "customer_lifetime_value"):
            await as_admin.execute(
                f"delete from {table} where tenant_id = $1 and customer_id = $2", tenant_id, customer
            )

    erasing = []

    def progress(stage, _share):
        if stage == "fitting the tenant":
            erasing.append(asyncio.create_task(erase()))

    await fit(tenant_id, progress=progress)
    await asyncio.gather(*erasing)

    stored = {row["customer_id"] for row in await as_admin.fetch(STORED, tenant_id)}
    assert len(erasing) == 1
    assert stored == {row.customer for row in filled} - {customer}


async def test_the_registry_keeps_every_candidate_of_every_training(as_admin, fit, tenant_id, filled):
    reports = [await fit(tenant_id) for _ in range(2)]

    rows = await as_admin.fetch("select * from models where tenant_id = $1", tenant_id)
    assert len(rows) == sum(len(report.entries) for report in reports)
    by_training = defaultdict(list)
    for row in rows:
        by_training[row["trained_at"], row["venue_id"], row["kind"], row["currency"]].append(
            row["is_serving"]
        )
    assert {at for at, *_ in by_training} == {report.computed_at for report in reports}
    assert all(sum(serving) == 1 for serving in by_training.values())


async def test_a_run_ends_cached_answers_about_its_venues(cache, runs, tenant_id, venue_ids, filled):
    async def ask(answer):
        async def compute():
            return answer

        return await cache.get_or_compute(venue_namespace(venue_ids[0]), "k", timedelta(minutes=5), compute)

    with acting_as(service_caller("customers", tenant_id)):
        assert await ask(b"before") == b"before"
        await runs.run(TenantScope(tenant_id), as_of=AS_OF)

        assert await ask(b"after") == b"after"
