"""Served cohorts against naive counting over the event log."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from tickettoken.customers.v1.cohorts_pb2 import GetCohortAnalysisRequest

from libs.common.buckets import WindowTooWide
from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from libs.common.errors import InvalidField, VenueNotFound
from services.customers.cohorts.answers import CohortAnswers
from services.customers.cohorts.questions import question_of
from services.customers.cohorts.reader import CohortReader
from tests.bus.events import delivery
from tests.platform import events as make

DAY = timedelta(days=1)
START = datetime(2025, 1, 15, tzinfo=UTC)
END = datetime(2025, 12, 10, 3, tzinfo=UTC)


class Shop:
    """Orders of some customers, written down and delivered in any order."""

    def __init__(self, seed=1, time_zone="Europe/Berlin"):
        self.tenant_id, self.venue_id = uuid4(), uuid4()
        self.scope = TenantScope(self.tenant_id)
        self.random = random.Random(seed)
        self.log = [make.venue_updated(self.tenant_id, self.venue_id, time_zone=time_zone)]
        self.facts = []

    def buy(self, customer, at, net, *, currency="EUR"):
        order = uuid4()
        self.log.append(
            make.order_completed(
                self.tenant_id,
                self.venue_id,
                order,
                lines=[(1, net)],
                currency=currency,
                at=at,
                customer=customer,
            )
        )
        self.facts.append([customer, at, currency, net, 1, order])
        return order

    def refund(self, order, amount, *, currency="EUR"):
        fact = next(fact for fact in self.facts if fact[5] == order)
        self.log.append(
            make.order_refunded(
                self.tenant_id, self.venue_id, order, amount=amount, currency=currency, at=fact[1] + 40 * DAY
            )
        )
        fact[3] -= amount
        if fact[3] == 0:
            fact[4] = 0

    def cancel(self, order):
        self.log.append(make.order_cancelled(self.tenant_id, self.venue_id, order, at=END))
        self.facts = [fact for fact in self.facts if fact[5] != order]

    async def tell(self, handler, times=1):
        for _ in range(times):
            shuffled = self.log[:]
            self.random.shuffle(shuffled)
            for place in range(0, len(shuffled), 50):
                await handler([delivery(event) for event in shuffled[place : place + 50]])


def label(instant, period, clock):
    local = instant.astimezone(clock)
    if period == "week":
        return local.isocalendar()[:2]
    return (local.year, local.month if period == "month" else (local.month - 1) // 3)


def counted(shop, answer, period, clock):
    """The answer's cells from the log: (cohort, age) to customers, orders and money by currency."""
    periods = [label(cohort.start_time.ToDatetime(tzinfo=UTC), period, clock) for cohort in answer.cohorts]
    past = [fact for fact in shop.facts if fact[1] < END]
    first = {}
    for customer, at, _, _, standing, _ in past:
        if standing:
            first[customer] = min(at, first.get(customer, at))
    cells = defaultdict(lambda: [set(), 0, defaultdict(int)])
    for customer, at, currency, net, standing, _ in past:
        if customer not in first or label(first[customer], period, clock) not in periods:
            continue
        begun = periods.index(label(first[customer], period, clock))
        seen = label(at, period, clock)
        if seen not in periods[begun:]:
            continue  # given back, and before the first purchase that stands
        people, _, money = cells[begun, periods.index(seen) - begun]
        if standing:
            people.add(customer)
            cells[begun, periods.index(seen) - begun][1] += 1
        money[currency] += net
    return cells


def answered(cell):
    return cell.customer_count, cell.order_count, {m.currency: m.amount_minor for m in cell.net_revenues}


@pytest.fixture
def answers(database, venues, cache):
    return CohortAnswers(CohortReader(database), venues, cache, now=lambda: END)


@pytest.fixture
def analysed(answers):
    """The answer to a request about a shop, as its tenant asks."""

    async def analysed(shop, **request):
        with acting_as(service_caller("customers", shop.tenant_id)):
            message = GetCohortAnalysisRequest(venue_id=str(shop.venue_id), **request)
            return await answers.analysis(shop.scope, message)

    return analysed


def busy_shop(seed, time_zone):
    shop = Shop(seed, time_zone)
    customers = [uuid4() for _ in range(40)]
    for _ in range(300):
        at = START + timedelta(hours=shop.random.randrange(8200))
        currency = shop.random.choice(["EUR", "EUR", "USD"])
        order = shop.buy(shop.random.choice(customers), at, shop.random.randrange(2, 900), currency=currency)
        fate = shop.random.random()
        net = shop.facts[-1][3]
        if fate < 0.1:
            shop.refund(order, net, currency=currency)
        elif fate < 0.2:
            shop.refund(order, net // 2, currency=currency)
        elif fate < 0.3:
            shop.cancel(order)
    return shop


@pytest.mark.parametrize("period", ["week", "month", "quarter"])
@pytest.mark.parametrize("time_zone", ["Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
async def test_cells_are_those_of_counting_the_log(handler, analysed, period, time_zone):
    shop, clock = busy_shop(3, time_zone), ZoneInfo(time_zone)
    await shop.tell(handler, times=2)

    answer = await analysed(shop, start_date=START + 45 * DAY, granularity=period)

    expected = counted(shop, answer, period, clock)
    assert answer.time_zone == time_zone
    for begun, cohort in enumerate(answer.cohorts):
        assert len(cohort.cells) == len(answer.cohorts) - begun
        assert cohort.customer_count == len(expected[begun, 0][0])
        so_far = 0
        for cell in cohort.cells:
            people, orders, money = expected[begun, cell.age]
            customers, order_count, net = answered(cell)
            so_far += orders
            assert (customers, order_count) == (len(people), orders)
            assert {currency: value for currency, value in net.items() if value} == {
                currency: value for currency, value in money.items() if value
            }
            assert cell.cumulative_order_count == so_far
            assert cell.is_running == (begun + cell.age == len(answer.cohorts) - 1)
            if cohort.customer_count:
                assert cell.retention_ratio == customers / cohort.customer_count


async def test_periods_that_the_window_does_not_reach_have_no_cell_and_later_purchases_do_not_count(
    handler, analysed
):
    shop, customer = Shop(), uuid4()
    for month in (3, 5, 9):
        shop.buy(customer, datetime(2025, month, 10, tzinfo=UTC), 100)
    await shop.tell(handler)

    answer = await analysed(
        shop, start_date=datetime(2025, 3, 1, tzinfo=UTC), end_date=datetime(2025, 6, 1, tzinfo=UTC)
    )

    first = next(cohort for cohort in answer.cohorts if cohort.customer_count)
    assert first.start_date == "2025-03-01"
    assert [cell.customer_count for cell in first.cells] == [1, 0, 1, 0]
    assert [(one.age, one.customer_count, one.retained_count) for one in answer.retention] == [
        (0, 1, 1),
        (1, 1, 0),
        (2, 1, 1),
        (3, 1, 0),
    ]
    assert [one.includes_running for one in answer.retention] == [True] * 4
    assert [one.complete_ratio for one in answer.retention[:3]] == [1, 0, 1]
    assert not answer.retention[3].HasField("complete_ratio")


async def test_a_measure_leaves_out_the_other_figures(handler, analysed):
    shop = Shop()
    shop.buy(uuid4(), datetime(2025, 11, 10, tzinfo=UTC), 100)
    await shop.tell(handler)

    cells = {
        measure: (await analysed(shop, measure=measure)).cohorts[-2].cells[0]
        for measure in ("customers", "orders", "revenue", "cumulative")
    }

    told = {
        measure: {field.name for field, _ in cell.ListFields()} - {"age", "is_running"}
        for measure, cell in cells.items()
    }
    assert told == {
        "customers": {"customer_count", "retention_ratio"},
        "orders": {"order_count"},
        "revenue": {"net_revenues"},
        "cumulative": {"cumulative_order_count", "cumulative_net_revenues"},
    }


async def test_a_new_fact_ends_the_cached_answer(handler, analysed):
    shop = Shop()
    shop.buy(uuid4(), datetime(2025, 11, 10, tzinfo=UTC), 100)
    await shop.tell(handler)
    before = await analysed(shop)

    shop.buy(uuid4(), datetime(2025, 11, 11, tzinfo=UTC), 100)
    await shop.tell(handler)
    after = await analysed(shop)

    assert sum(cohort.customer_count for cohort in before.cohorts) == 1
    assert sum(cohort.customer_count for cohort in after.cohorts) == 2
    assert after.as_of.ToDatetime(tzinfo=UTC) == datetime(2025, 11, 11, tzinfo=UTC)


async def test_a_venue_without_purchases_has_cohorts_of_nobody(handler, analysed):
    shop = Shop()
    await shop.tell(handler)

    answer = await analysed(shop, granularity="quarter")

    assert {cohort.customer_count for cohort in answer.cohorts} == {0}
    assert not answer.HasField("as_of")
    assert not answer.cohorts[0].cells[0].HasField("retention_ratio")


async def test_strangers_and_ungranted_venues_are_not_found(handler, answers):
    shop = Shop()
    await shop.tell(handler)
    request = GetCohortAnalysisRequest(venue_id=str(shop.venue_id))

    for scope in (TenantScope(uuid4()), TenantScope(shop.tenant_id, frozenset({uuid4()}))):
        with acting_as(service_caller("customers", scope.tenant_id)), pytest.raises(VenueNotFound):
            await answers.analysis(scope, request)


async def test_windows_of_too_many_periods_are_refused(handler, analysed):
    shop = Shop()
    await shop.tell(handler)

    for start, granularity in ((END - 1200 * DAY, "week"), (datetime(1, 1, 2, tzinfo=UTC), "quarter")):
        with pytest.raises(WindowTooWide):
            await analysed(shop, start_date=start, granularity=granularity)


def test_windows_that_have_not_begun_are_refused():
    request = GetCohortAnalysisRequest(venue_id=str(uuid4()), start_date=END + DAY)

    with pytest.raises(InvalidField):
        question_of(request, END, ZoneInfo("UTC"))


async def test_a_question_about_all_until_now_is_one_question_all_day(handler, database, venues, cache):
    shop = Shop(time_zone="America/New_York")
    shop.buy(uuid4(), END - 3 * DAY, 500)
    await shop.tell(handler)
    now, clock = [END.replace(hour=6)], ZoneInfo("America/New_York")
    answers = CohortAnswers(CohortReader(database), venues, cache, now=lambda: now[0])

    async def asked(**fields):
        request = GetCohortAnalysisRequest(venue_id=str(shop.venue_id), **fields)
        with acting_as(service_caller("customers", shop.tenant_id)):
            answer = await answers.analysis(shop.scope, request)
        return answer, question_of(request, now[0], clock).key(clock)

    first, key = await asked()
    now[0] += timedelta(hours=3, minutes=7)
    later, same_key = await asked()
    _, ahead = await asked(end_date=now[0] + DAY)
    now[0] += DAY
    _, tomorrow = await asked()
    _, closed = await asked(end_date=now[0] - DAY)

    assert first == later, "the first answer is kept, its window with it"
    assert key == same_key == ahead
    assert len({key, tomorrow, closed}) == 3
