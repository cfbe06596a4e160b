"""Runs over tenants: purchases come as events, values and models are replaced as a whole."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from libs.common.errors import NotEnoughHistory, VenueNotFound
from libs.common.jobs.runner import JobRunner
from services.customers.errors import CustomerNotFound, ModelNotFitted, ModelNotIdentifiable
from services.customers.lifetime import recording
from services.customers.lifetime.jobs import jobs_of
from services.customers.lifetime.predicting import Asked
from services.customers.lifetime.reader import LifetimeReader
from services.customers.lifetime.schedule import FIT_ID
from services.customers.models.entry import WHOLE_TENANT
from services.customers.models.process import FittingFailed, fitting_process
from tests.customers.lifetime.conftest import AS_OF, orders_of
from tests.customers.lifetime.histories import START, Row, drawn_rows
from tests.platform import events as make

STORED = """
select venue_id, customer_id, currency, is_main, basis, purchase_count, historic_minor, expected_minor,
       low_minor, high_minor, expected_purchases, alive_probability, model, newest_fact_at
  from customer_lifetime_value where tenant_id = $1 order by venue_id, customer_id, currency
"""


COUNTS = """
select count(*), count(distinct computed_at) from customer_lifetime_value where tenant_id = $1
"""


def mixed_rows():
    return drawn_rows(
        500,
        22,
        venue_of=lambda number: 1 if number % 8 == 0 else 0,
        currency_of=lambda number: "USD" if number % 4 == 1 else "EUR",
    )


@pytest.fixture
async def filled(apply, tenant_id, venue_ids):
    """A tenant with two venues whose purchases came as events, shuffled and partly twice."""
    rows = mixed_rows()
    events = orders_of(tenant_id, venue_ids, rows)
    order = np.random.default_rng(2).permutation(len(events))
    await apply([events[place] for place in order])
    await apply(events[:200])
    return rows


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


async def test_stored_values_are_those_that_a_prediction_on_the_same_terms_gives(
    as_admin, fit, values, tenant_id, venue_ids, filled
):
    await fit(tenant_id)
    scope = TenantScope(tenant_id)

    for venue_id in venue_ids:
        rows = await as_admin.fetch(STORED, tenant_id)
        for row in [row for row in rows if row["venue_id"] == venue_id][:8]:
            found = await values.predict(scope, venue_id, row["customer_id"], Asked())

            (account,) = found.prediction.accounts
            assert account.expected_minor == row["expected_minor"]
            assert account.low_minor == row["low_minor"]
            assert account.high_minor == row["high_minor"]
            assert found.prediction.expected_purchases == pytest.approx(row["expected_purchases"])
            assert found.prediction.alive_probability == pytest.approx(row["alive_probability"])


async def test_discount_margin_and_horizon_do_what_they_say(fit, values, tenant_id, venue_ids, filled):
    await fit(tenant_id)
    scope, customer = TenantScope(tenant_id), filled[0].customer
    venue_id = venue_ids[filled[0].venue]

    async def expected(**asked):
        found = await values.predict(scope, venue_id, customer, Asked(**asked))
        return found.prediction.accounts[0].expected_minor, found.prediction.expected_purchases

    plain, bought = await expected()
    half, _ = await expected(margin_ratio=0.5)
    assert half == pytest.approx(plain / 2, abs=1)
    short, fewer = await expected(horizon_days=30)
    assert 0 < short < plain
    assert fewer < bought
    discounted, as_many = await expected(discount_rate=0.2)
    assert plain / 1.2 < discounted < plain
    assert as_many == pytest.approx(bought)
    once, _ = await expected(horizon_days=30, discount_rate=0.2)
    assert once == pytest.approx(short / 1.2 ** (30 / 365), abs=1)


async def test_without_a_run_a_prediction_is_refused_and_the_value_is_historic(
    values, tenant_id, venue_ids, filled
):
    scope, row = TenantScope(tenant_id), filled[0]

    with pytest.raises(ModelNotFitted):
        await values.predict(scope, venue_ids[row.venue], row.customer, Asked())
    value = await values.value(scope, venue_ids[row.venue], row.customer)

    assert (value.run, value.serving, value.stored) == (None, None, [])
    assert value.totals[0].spend_minor == sum(one.spend for one in filled if one.customer == row.customer)


@pytest.mark.parametrize(
    ("repeats", "error"),
    [(0, NotEnoughHistory), (12, ModelNotIdentifiable)],
    ids=["nobody back", "nobody lost"],
)
async def test_refused_fits_refuse_predictions_with_their_reason(
    apply, fit, values, tenant_id, venue_ids, repeats, error
):
    chance = np.random.default_rng(5)
    rows = []
    for number in range(120):
        days = [0, *np.sort(chance.choice(np.arange(1, 400), repeats, replace=False)).tolist()]
        rows += [Row(0, UUID(int=number), START + timedelta(days=day)) for day in days]
    await apply(orders_of(tenant_id, venue_ids, rows))
    await fit(tenant_id)
    scope = TenantScope(tenant_id)

    with pytest.raises(error) as refusal:
        await values.predict(scope, venue_ids[0], UUID(int=1), Asked())
    value = await values.value(scope, venue_ids[0], UUID(int=1))

    assert value.run is not None
    assert value.run.refusal == refusal.value.reason
    assert [one.basis for one in value.stored] == ["historic"]
    assert value.stored[0].historic_minor == 1000 * (repeats + 1)


async def test_a_customer_who_never_bought_has_not_enough_history(
    apply, fit, values, tenant_id, venue_ids, filled
):
    await fit(tenant_id)
    today = make.order_completed(tenant_id, venue_ids[0], customer=UUID(int=9), at=AS_OF)
    await apply([today])

    with pytest.raises(NotEnoughHistory):
        await values.predict(TenantScope(tenant_id), venue_ids[0], UUID(int=9), Asked())


async def test_strangers_and_other_venues_are_not_found(fit, values, tenant_id, venue_ids, filled):
    await fit(tenant_id)
    scope, granted = TenantScope(tenant_id), TenantScope(tenant_id, frozenset({venue_ids[1]}))
    at_first = next(row.customer for row in filled if row.venue == 0)

    for use in (values.value, lambda *who: values.predict(*who, Asked())):
        with pytest.raises(CustomerNotFound):
            await use(scope, venue_ids[0], uuid4())
        with pytest.raises(CustomerNotFound):
            await use(scope, venue_ids[1], at_first)
        with pytest.raises(VenueNotFound):
            await use(granted, venue_ids[0], at_first)
        with pytest.raises(VenueNotFound):
            await use(TenantScope(uuid4()), venue_ids[0], at_first)


async def test_a_grant_hides_what_was_made_from_all_venues(
    database, fit, values, tenant_id, venue_ids, filled
):
    await fit(tenant_id)
    granted = TenantScope(tenant_id, frozenset({venue_ids[1]}))

    summaries = await values.summaries(granted, None)

    assert [one.run.venue_id for one in summaries] == [venue_ids[1]]
    assert {model.entry.venue_id for one in summaries for model in one.models} == {venue_ids[1]}
    (whole,) = await values.summaries(TenantScope(tenant_id), None)
    assert whole.run.venue_id == WHOLE_TENANT
    async with database.transaction(granted) as conn:
        for table in ("models", "lifetime_runs", "customer_lifetime_value"):
            rows = await conn.fetch(f"select distinct venue_id from {table}")
            assert [row["venue_id"] for row in rows] == [venue_ids[1]]
    async with database.transaction(TenantScope(uuid4())) as conn:
        assert await conn.fetchval("select count(*) from customer_lifetime_value") == 0


async def test_the_reader_gives_main_currencies_and_adds_up_granted_venues(
    database, apply, fit, tenant_id, venue_ids, filled
):
    customer = UUID(int=501)
    rows = [
        Row(0, customer, START + timedelta(days=1), "EUR", spend=100),
        Row(0, customer, START + timedelta(days=30), "EUR", spend=300),
        Row(1, customer, START + timedelta(days=60), "EUR", spend=500),
        Row(1, customer, START + timedelta(days=60), "USD", spend=9000),
    ]
    await apply(orders_of(tenant_id, venue_ids, rows))
    await fit(tenant_id)
    reader, granted = LifetimeReader(database), TenantScope(tenant_id, frozenset(venue_ids))

    whole = (await reader.values_by_currency(TenantScope(tenant_id), [customer]))[customer]
    one = (await reader.values(TenantScope(tenant_id), [customer], venue_id=venue_ids[1]))[customer]
    summed = (await reader.values_by_currency(granted, [customer]))[customer]

    assert [(value.currency, value.purchase_count, value.historic_minor) for value in whole] == [
        ("EUR", 3, 900),
        ("USD", 1, 9000),
    ]
    assert (one.currency, one.historic_minor) == ("USD", 9000)
    assert [(value.currency, value.historic_minor) for value in summed] == [("EUR", 900), ("USD", 9000)]
    parts = [
        (await reader.values_by_currency(granted, [customer], venue_id=venue_id))[customer]
        for venue_id in venue_ids
    ]
    euros = [value for part in parts for value in part if value.currency == "EUR"]
    assert summed[0].expected_minor == sum(value.expected_minor for value in euros)
    assert await reader.values(TenantScope(uuid4()), [customer]) == {}


async def test_a_tenants_first_order_schedules_its_nightly_run_once(as_admin, apply, tenant_id, venue_ids):
    rows = [Row(0, UUID(int=1), START), Row(0, UUID(int=2), START)]

    await apply(orders_of(tenant_id, venue_ids, rows[:1]))
    await apply(orders_of(tenant_id, venue_ids, rows[1:]))

    (schedule,) = await as_admin.fetch(
        "select id, cron, subject from job_schedules where tenant_id = $1 and job = 'lifetime.fit'", tenant_id
    )
    assert (schedule["id"], schedule["subject"]) == (FIT_ID, "service:customers")
    assert recording.TYPES == ("order.completed",)


async def test_the_nightly_job_fits_its_own_tenant(
    as_admin, worker_database, runs, apply, tenant_id, venue_ids
):
    await apply(orders_of(tenant_id, venue_ids, [Row(0, UUID(int=1), START)]))
    await as_admin.execute("update job_schedules set next_due_at = now() where tenant_id = $1", tenant_id)
    runner = JobRunner(worker_database, service="customers", jobs=jobs_of(runs))

    while not await as_admin.fetchval("select count(*) from lifetime_runs where tenant_id = $1", tenant_id):
        await as_admin.execute("update job_runs set claimable_at = now() where state = 'waiting'")
        await runner.step(now=datetime.now(UTC))
        await runner.idle()

    states = await as_admin.fetch(
        "select state from job_runs where tenant_id = $1 and job = 'lifetime.fit'", tenant_id
    )
    assert [row["state"] for row in states] == ["succeeded"]


async def test_a_run_ends_cached_answers_about_its_venues(cache, runs, tenant_id, venue_ids, filled):
    from services.customers.namespaces import venue_namespace

    async def ask(answer):
        async def compute():
            return answer

        return await cache.get_or_compute(venue_namespace(venue_ids[0]), "k", timedelta(minutes=5), compute)

    with acting_as(service_caller("customers", tenant_id)):
        assert await ask(b"before") == b"before"
        await runs.run(TenantScope(tenant_id), as_of=AS_OF)

        assert await ask(b"after") == b"after"
