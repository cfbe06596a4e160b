"""Facts for generators against what was written down."""

from collections import Counter
from datetime import timedelta
from uuid import uuid4

from services.customers.insights.facts import ListPrice, ShowDoors, TypeSales
from tests.customers.insights.conftest import NOW, local
from tests.customers.insights.quiet import DAY, END
from tests.platform import events as make


async def test_days_are_local_and_today_does_not_count(handler, gathered, history):
    history.buy(local(END - 2 * DAY, 0), net=300, channel="app")
    history.buy(local(END - 2 * DAY, 23), net=500)
    history.buy(local(END - DAY, 0), net=700)
    history.buy(local(END, 0), net=900)
    await history.tell(handler)

    found = await gathered(history)

    assert {tuple(day) for day in found.facts.days} == {
        (END - 2 * DAY, "app", "EUR", 1, 300),
        (END - 2 * DAY, "web", "EUR", 1, 500),
        (END - DAY, "web", "EUR", 1, 700),
    }
    assert found.newest_fact_at == local(END, 0)
    assert found.facts.until == local(END, 0)


async def test_best_customers_are_those_who_came_on_three_days_and_spent_most(handler, gathered, history):
    people = [uuid4() for _ in range(30)]
    for place, person in enumerate(people):
        for visit in range(2 if place < 5 else 3):
            day = END - (10 * visit + place + 1) * DAY
            history.buy(local(day), customer=person, net=1_000 + place)
            history.buy(local(day, 15), customer=person, net=1)
    await history.tell(handler)

    regulars = (await gathered(history)).facts.regulars

    assert [regular.customer_id for regular in regulars] == people[:9:-1]
    assert (regulars[0].day_count, regulars[0].first_day, regulars[0].last_day) == (
        3,
        END - 50 * DAY,
        END - 30 * DAY,
    )


async def test_shows_tell_their_sales_by_days_before_the_doors(handler, gathered, history):
    show, unknown = uuid4(), uuid4()
    doors = NOW + 10 * DAY
    told = {"genre": "Rock", "capacity": 500, "on_sale_at": NOW - 50 * DAY, "doors_at": doors}
    history.log.append(make.event_created(history.tenant_id, history.venue_id, show, starts_at=doors, **told))
    history.log.append(
        make.event_created(
            history.tenant_id, history.venue_id, unknown, starts_at=doors, capacity=None, doors_at=doors
        )
    )
    history.buy(doors - 11 * DAY, lines=[(2, 900, None, show)], show=show)
    history.buy(doors - 11 * DAY - timedelta(hours=1), lines=[(3, 900, None, show)], show=show)
    history.buy(doors - 12 * DAY - timedelta(hours=1), lines=[(4, 900, None, show)], show=show)
    history.buy(doors - 12 * DAY, lines=[(4, 900, None, unknown)], show=unknown)
    await history.tell(handler)

    [sales] = (await gathered(history)).facts.shows

    assert (sales.event_id, sales.genre, sales.capacity) == (show, "rock", 500)
    assert sales.sold == {11: 5, 12: 4}
    assert sales.began_at == NOW - 50 * DAY


async def test_doors_count_tickets_of_customers_and_their_admissions_once(handler, gathered, history):
    show, order, tickets = uuid4(), uuid4(), [uuid4() for _ in range(3)]
    starts = local(END - 5 * DAY, 20)
    history.log.append(
        make.event_created(history.tenant_id, history.venue_id, show, starts_at=starts, capacity=100)
    )
    order = history.buy(starts - 9 * DAY, lines=[(5, 900, None, show)], show=show)
    history.log.append(
        make.order_refunded(
            history.tenant_id,
            history.venue_id,
            order,
            amount=900,
            lines=[(1, None, show)],
            at=starts - 8 * DAY,
        )
    )
    for ticket in [*tickets, tickets[0]]:
        history.log.append(
            make.ticket_scanned(
                history.tenant_id, history.venue_id, ticket, show=show, order=order, at=starts
            )
        )
    history.buy(local(END - DAY))
    await history.tell(handler)

    facts = (await gathered(history)).facts

    assert facts.doors == [ShowDoors(show, END - 5 * DAY, 4, 3)]


async def test_types_tell_their_sales_by_day_and_price(handler, gathered, history):
    show, stalls = uuid4(), uuid4()
    starts = NOW + 20 * DAY
    history.log += [
        make.event_created(history.tenant_id, history.venue_id, show, starts_at=starts, capacity=100),
        make.ticket_type_updated(
            history.tenant_id, history.venue_id, show, stalls, price=1_200, at=local(END - 4 * DAY)
        ),
    ]
    for back, price, count in ((1, 1_200, 2), (1, 1_200, 1), (6, 1_000, 3), (60, 900, 9)):
        history.buy(local(END - back * DAY), lines=[(count, price, stalls, show)], show=show)
    await history.tell(handler)

    facts = (await gathered(history)).facts

    assert Counter(facts.type_sales) == Counter(
        [
            TypeSales(show, stalls, END - DAY, 1_200, 3),
            TypeSales(show, stalls, END - 6 * DAY, 1_000, 3),
        ]
    )
    assert facts.list_prices == {stalls: ListPrice(1_200, END - 4 * DAY)}


async def test_cohorts_are_those_of_months_until_today(handler, gathered, history):
    person = uuid4()
    for back in (100, 70, 5):
        history.buy(local(END - back * DAY), customer=person)
    await history.tell(handler)

    cohorts = (await gathered(history)).facts.cohorts

    [first] = [cohort for cohort in cohorts if cohort.size]
    assert first.start == local((END - 100 * DAY).replace(day=1), 0)
    assert [cell.customer_count for cell in first.cells] == [1, 1, 0, 1, 0]


async def test_facts_end_where_a_telling_silence_begins(handler, gathered, history):
    history.steady(120, 5, per_day=1)
    await history.tell(handler)

    found = await gathered(history)

    assert found.facts.end == END - 4 * DAY
    assert [candidate.evidence.value for candidate in found.silence] == [4]


async def test_a_closed_venue_has_no_facts(handler, gathered, history):
    history.steady(200, 100, per_day=1)
    await history.tell(handler)

    found = await gathered(history)

    assert (found.facts.days, found.silence) == ((), ())
