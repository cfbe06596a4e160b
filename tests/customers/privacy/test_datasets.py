"""Extracts: k holds whatever is asked, groups say what their people share, figures are those of a count."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tickettoken.customers.v1 import datasets_pb2

from libs.common.bus.port import DONE, Delivery
from services.customers.errors import DatasetsBusy
from services.customers.privacy.dataset_columns import KINDS, Person
from services.customers.privacy.grouper import Grouper
from services.customers.privacy.grouping import Question, answer
from tests.customers.privacy.person import NOW, World
from tests.customers.privacy.person import Person as Somebody
from tests.metrics.serving import bad_fields, refused
from tests.platform import events as make


def person(**known):
    nothing = dict.fromkeys(("registration_month", "first_purchase_month", "last_purchase_month"))
    return Person(
        **{
            "city": "",
            "country": "",
            "channel": "",
            "order_count": 0,
            "spend_minor": 0,
            "marketing_consent": None,
            **nothing,
            **known,
        }
    )


def described(name, people):
    kind = KINDS[name]
    values, unknown = kind.values(people)
    return kind.described(sorted(set(values)), unknown)


def test_months_are_named_and_unknown_ones_lie_before_all():
    people = [person(registration_month=12 * 2026 + 2), person(registration_month=12 * 2025 + 11)]

    known, mixed = (
        described("registration_month", people),
        described("registration_month", [*people, person()]),
    )

    assert (known.low, known.high) == ("2025-12", "2026-03")
    assert (mixed.low, mixed.high) == ("unknown", "2026-03")


@pytest.mark.parametrize(
    ("count", "band"),
    [(0, "0"), (1, "1"), (2, "2"), (3, "3-5"), (5, "3-5"), (6, "6-10"), (11, "11+"), (900, "11+")],
)
def test_counts_are_told_in_bands(count, band):
    one = described("order_count", [person(order_count=count)])

    assert (one.low, one.high) == (band, band)


@pytest.mark.parametrize(
    ("spend", "band"), [(-5, "0"), (0, "0"), (1, "1-2499"), (2_500, "2500-4999"), (10**9, "100000+")]
)
def test_money_is_told_in_bands(spend, band):
    assert described("spend", [person(spend_minor=spend)]).low == band


def test_words_of_a_group_are_all_that_occur():
    people = [person(city="Oslo"), person(city="Bergen"), person()]

    assert described("city", people).words == ("Bergen", "Oslo", "unknown")


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4), st.integers(0, 2)), max_size=80),
    st.integers(2, 9),
)
def test_what_is_measured_holds_in_the_groups(rows, k):
    question = Question(
        k=k,
        codes=[_dense([row[0] for row in rows]), _dense([row[1] for row in rows])],
        positions=[sorted({float(row[0]) for row in rows}), None],
        sensitive=_dense([row[2] for row in rows]),
    )

    measured = answer(question)

    if len(rows) < k:
        assert (measured.groups, measured.k, measured.l, measured.information_loss) == ([], 0, 0, None)
        assert measured.discernibility == len(rows) ** 2
        return
    assert measured.k == min(map(len, measured.groups)) >= k
    assert measured.l == min(len({rows[row][2] for row in group}) for group in measured.groups)
    assert measured.discernibility == sum(len(group) ** 2 for group in measured.groups)


def _dense(values):
    places = {value: at for at, value in enumerate(sorted(set(values)))}
    return [places[value] for value in values]


async def test_a_process_of_its_own_groups_and_few_run_at_once():
    grouper = Grouper(most=1)
    question = Question(k=2, codes=[[0, 0, 1, 1]], positions=[None], sensitive=[0, 1, 0, 0])

    first = asyncio.create_task(grouper.ask(question))
    await asyncio.sleep(0)
    with pytest.raises(DatasetsBusy):
        await grouper.ask(question)

    assert sorted(map(sorted, (await first).groups)) == [[0, 1], [2, 3]]
    assert (await grouper.ask(question)).l == 1


async def test_whoever_stops_waiting_stops_the_calculation():
    grouper = Grouper(most=1)
    many = list(range(30_000))
    question = Question(k=2, codes=[many, many[::-1]], positions=[None, None], sensitive=many)
    asking = asyncio.create_task(grouper.ask(question))
    await asyncio.sleep(0.2)

    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await grouper.ask(Question(k=2, codes=[[0, 0]], positions=[None], sensitive=[0, 0]))).k == 2


async def recorded(handler, events):
    settlements = await handler([Delivery(event, 1) for event in events])
    assert all(settlement == DONE for settlement in settlements), settlements


def crowd(world, people):
    """People who bought once, twice, ...; the first of all cities."""
    events = [
        make.venue_updated(
            world.tenant, world.venue, time_zone="Asia/Kathmandu", at=NOW - timedelta(days=400)
        )
    ]
    for number, somebody in enumerate(people):
        event = somebody.registered(world.tenant)
        event.customer_registered.profile.city = ("Oslo", "Bergen", "Tromsø")[number % 3]
        event.customer_registered.profile.marketing_consent = number % 2 == 0
        events.append(event)
        events += [world.order(somebody, days=30 * at + number % 7 + 1) for at in range(number % 4 + 1)]
    return events


async def extract(client, **asked):
    request = datasets_pb2.AnonymizeDatasetRequest(
        **{
            "k": 5,
            "quasi_identifiers": ["city", "order_count"],
            "sensitive_column": "marketing_consent",
            **asked,
        }
    )
    return await client.privacy.AnonymizeDataset(request, metadata=client.metadata)


async def test_an_extract_is_k_anonymous_and_says_what_it_lost(handler, customers_process):
    world, people = World(), [Somebody() for _ in range(60)]
    await recorded(handler, crowd(world, people))
    async with customers_process.client(world.tenant) as client:
        answered = await extract(client, venue_id=str(world.venue))

    cells = Counter(
        (("Oslo", "Bergen", "Tromsø")[number % 3], number % 4 + 1, "yes" if number % 2 == 0 else "no")
        for number in range(60)
    )
    measures = answered.measures
    assert measures.customer_count == 60 == sum(group.customer_count for group in answered.groups)
    assert measures.k == min(group.customer_count for group in answered.groups) >= 5
    assert measures.l == min(len(group.sensitive_counts) for group in answered.groups)
    assert measures.discernibility == sum(group.customer_count**2 for group in answered.groups)
    assert measures.suppressed_count == measures.suppressed_ratio == 0
    assert answered.currency == "EUR"
    bands = {1: "1", 2: "2", 3: "3-5", 4: "3-5"}
    order = ["0", "1", "2", "3-5", "6-10", "11+"]
    for group in answered.groups:
        city, orders = group.values
        inside = {
            consent: sum(
                n
                for (town, count, said), n in cells.items()
                if said == consent
                and town in city.words
                and order.index(orders.low) <= order.index(bands[count]) <= order.index(orders.high)
            )
            for consent in ("yes", "no")
        }
        assert dict(group.sensitive_counts) == {said: n for said, n in inside.items() if n}


async def test_fewer_than_k_people_are_all_left_out(handler, customers_process):
    world, people = World(), [Somebody() for _ in range(4)]
    await recorded(handler, crowd(world, people))
    async with customers_process.client(world.tenant) as client:
        answered = await extract(client)

    assert not answered.groups
    assert (answered.measures.suppressed_count, answered.measures.suppressed_ratio, answered.measures.k) == (
        4,
        1,
        0,
    )
    assert not answered.measures.HasField("information_loss")


async def test_an_extract_names_nobody(handler, customers_process):
    world, people = World(), [Somebody() for _ in range(12)]
    await recorded(handler, crowd(world, people))
    async with customers_process.client(world.tenant) as client:
        text = str(
            await extract(client, k=2, quasi_identifiers=["city", "spend", "last_purchase_month"])
        ).lower()

    assert not any(needle in text for somebody in people for needle in somebody.needles)


async def test_a_grant_limits_an_extract_to_its_venues(handler, customers_process):
    world, people = World(), [Somebody() for _ in range(12)]
    elsewhere = World(tenant=world.tenant)
    await recorded(handler, [*crowd(world, people), *crowd(elsewhere, [Somebody() for _ in range(7)])])
    async with customers_process.client(world.tenant, venue_ids=[elsewhere.venue]) as granted:
        answered = await extract(granted)
        foreign = await refused(extract(granted, venue_id=str(world.venue)))

    assert answered.measures.customer_count == 7
    assert foreign == ("NOT_FOUND", "VENUE_NOT_FOUND")


async def test_refusals_name_the_field(customers_process):
    async with (
        customers_process.client(uuid4()) as client,
        customers_process.client(uuid4(), permissions=["analytics.read"]) as reader,
    ):
        assert await bad_fields(extract(client, k=1)) == ["k"]
        assert await bad_fields(extract(client, quasi_identifiers=["name"])) == ["quasiIdentifiers[0]"]
        assert await refused(extract(client, quasi_identifiers=["spend"], sensitive_column="spend")) == (
            "INVALID_ARGUMENT",
            "INVALID_FIELD",
        )
        assert await refused(extract(client, venue_id=str(uuid4()))) == ("NOT_FOUND", "VENUE_NOT_FOUND")
        assert (await refused(extract(reader)))[0] == "PERMISSION_DENIED"
    async with customers_process.client(uuid4(), permissions=["analytics.privacy"]) as masked:
        assert await bad_fields(extract(masked)) == ["quasiIdentifiers"]
