"""Questions about facts: whose touchpoints are whose, what a period holds, and that nothing is lost."""

import json
from collections import Counter, defaultdict
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.customers.attribution.calculator import Calculator
from services.customers.attribution.crediting import MODELS
from services.customers.attribution.facts import NOBODY, Bought, Facts, Named, Touch, number_of
from services.customers.attribution.identification import owners_of
from services.customers.attribution.paths import DAY, Order, Touchpoint, paths_of
from services.customers.attribution.study import answered
from services.customers.errors import AttributionBusy, TooFewPaths

WINDOW = 30 * DAY
ALWAYS = [0, 1000 * DAY]


def touch(number, person=NOBODY, *, at, channel="email", session=NOBODY, own=True, kind="click", cost=0):
    return Touch(number, person, session, channel, own, kind, at, cost, "EUR" if cost else "")


def bought(number, person, *, at, gross=100, refund=0, currency="EUR", session=NOBODY, stands=True):
    return Bought(number, person, session, at, currency, gross, refund, stands)


def facts_of(touches, purchases):
    facts = Facts()
    facts.add_touches(touches)
    facts.add_bought((each, each.at) for each in purchases)
    return facts


def asked(touches, purchases, *, kind="credits", model="linear", period=ALWAYS, **more):
    question = {"kind": kind, "model": model, "period": period, "window": WINDOW, **more}
    return json.loads(answered(facts_of(touches, purchases).encoded(question)))


def a_season(seed, *, customers=120, channels="ABCDE"):
    """Touchpoints and purchases of 60 days, refunds in two currencies among them."""
    draw = Random(seed)
    touches, purchases = [], []
    for person in range(1, customers + 1):
        for number in range(draw.randint(0, 4)):
            known = draw.random() < 0.7
            touches.append(
                touch(
                    person * 100 + number,
                    person if known else NOBODY,
                    session=NOBODY if known and draw.random() < 0.5 else person,
                    at=draw.randrange(60 * DAY),
                    channel=draw.choice(channels),
                    own=draw.random() < 0.5,
                )
            )
        for number in range(draw.randint(0, 3)):
            order, at, gross = person * 100 + number, draw.randrange(60 * DAY), draw.randint(1, 9999)
            refund = draw.choice([0, 0, gross // 3, gross])
            kept = refund < gross
            purchases.append(
                bought(order, person, at=at, gross=gross, refund=refund, session=person, stands=kept)
            )
            if kept and draw.random() < 0.2:
                back = draw.randint(1, 50)
                purchases.append(
                    bought(order, person, at=at, gross=0, refund=back, currency="CHF", stands=False)
                )
    return touches, purchases


def owned_by_hand(touches, purchases):
    """Times of every customer's touchpoints: one touchpoint at a time, straight from the facts."""
    owned = defaultdict(list)
    for each in touches:
        named = [
            (fact.at, fact.person)
            for fact in (*touches, *purchases)
            if fact.session == each.session and fact.session and fact.person
        ]
        later = [fact for fact in named if fact[0] >= each.at]
        if each.person or named:
            owned[each.person or (min(later) if later else max(named))[1]].append(each.at)
    return owned


def credited_by_hand(touches, purchases):
    """Purchases with a touchpoint before them, and their money: one purchase at a time."""
    owned = owned_by_hand(touches, purchases)
    count, money, last = 0, Counter(), {}
    for each in sorted((each for each in purchases if each.stands), key=lambda each: (each.at, each.order)):
        before = last.get(each.person, -1)
        last[each.person] = each.at
        if any(before < at <= each.at and each.at - at < WINDOW for at in owned[each.person]):
            count += 1
            for part in purchases:
                if part.order == each.order:
                    money[part.currency] += part.gross_minor - part.refund_minor
    return count, money


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), model=st.sampled_from(MODELS))
def test_credits_add_up_to_the_conversions_and_their_money_refunds_included(seed, model):
    touches, purchases = a_season(seed)
    count, money = credited_by_hand(touches, purchases)

    found = asked(touches, purchases, model=model)

    rows = [*found["own"], *found["other"]]
    assert sum(row["conversions"] for row in rows) == pytest.approx(count)
    for currency in ("EUR", "CHF"):
        assert sum(row["net_minor"].get(currency, 0) for row in rows) == money[currency]
    assert found["journeys"]["attributed"]["conversions"] == count
    standing = sum(each.stands for each in purchases)
    assert found["journeys"]["unattributed"]["conversions"] == standing - count


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), model=st.sampled_from(MODELS))
def test_order_of_arrival_and_names_of_channels_change_nothing(seed, model):
    touches, purchases = a_season(seed)
    renamed = [each._replace(channel=f"{chr(ord('z') - ord(each.channel) + 65)}x") for each in touches]
    Random(seed).shuffle(renamed)
    shuffled = Random(seed + 1).sample(purchases, len(purchases))

    found, again = asked(touches, purchases, model=model), asked(renamed, shuffled, model=model)

    for part in ("own", "other"):
        before = {row["channel"]: row["conversions"] for row in found[part]}
        others = {row["channel"]: row["conversions"] for row in again[part]}
        assert others == {
            f"{chr(ord('z') - ord(name) + 65)}x": pytest.approx(each) for name, each in before.items()
        }
    assert found["journeys"] == again["journeys"]


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), cut=st.integers(1, 59))
def test_journeys_of_two_periods_are_those_of_both(seed, cut):
    touches, purchases = a_season(seed)
    begin, middle, end = 0, cut * DAY, 60 * DAY

    def count(start, stop):
        facts = [each for each in touches if start - WINDOW <= each.at < stop]
        sales = [each for each in purchases if start - WINDOW <= each.at < stop + WINDOW]
        found = asked(facts, sales, period=[start, stop])["journeys"]
        return [found[part]["conversions"] for part in ("attributed", "unattributed")]

    parts = [count(begin, middle), count(middle, end)]
    assert [sum(each) for each in zip(*parts, strict=True)] == count(begin, end)


def test_after_a_conversion_the_path_starts_anew():
    touches = [Touchpoint(str(day), "c", f"d{day}", day * DAY) for day in (1, 2, 4)]
    orders = [Order(str(day), "c", day * DAY, "EUR", 100) for day in (3, 5, 6)]

    found = paths_of(touches, orders)

    assert [journey.channels for journey in found.journeys] == [("d1", "d2"), ("d4",)]
    assert [order.order_id for order in found.unattributed] == ["6"]
    assert sum(path.nulls for path in found.paths) == 0


def test_a_returned_order_does_not_end_a_path():
    touches = [Touchpoint("t", "c", "email", DAY)]
    returned, kept = Order("r", "c", 2 * DAY, "EUR", 100, 100), Order("k", "c", 3 * DAY, "EUR", 100)

    assert [each.order.order_id for each in paths_of(touches, [returned, kept]).journeys] == ["k"]


def test_a_touchpoint_belongs_to_whoever_is_named_in_its_session_next():
    ann, bob, session = 7, 8, 5
    touches = [
        touch(1, session=session, at=10),
        touch(2, ann, session=session, at=20),
        touch(3, session=session, at=30),
        touch(4, session=session, at=50),
        touch(5, session=6, at=50),
        touch(6, at=50),
    ]

    owners = owners_of(touches, [bought(1, bob, at=40, session=session)])

    assert owners == ["c7", "c7", "c8", "c8", "s6", ""]


def test_what_somebody_did_in_a_session_tells_whose_its_touchpoints_are():
    touches = [touch(1, session=5, at=10), touch(2, session=5, at=30)]

    assert owners_of(touches, [], [Named(9, 5, 20)]) == ["c9", "c9"]


def test_a_session_that_names_nobody_is_a_path_without_conversion_and_nobody_at_all_is_none():
    found = asked([touch(1, session=3, at=DAY), touch(2, session=3, at=DAY + 1), touch(3, at=DAY)], [])

    assert found["journeys"]["path_count"] == 1


def test_a_wholly_returned_purchase_still_tells_who_was_in_its_session():
    touches = [touch(1, session=3, at=DAY)]
    purchases = [
        bought(1, 9, at=2 * DAY, refund=100, session=3, stands=False),
        bought(2, 9, at=3 * DAY, gross=50),
    ]

    assert asked(touches, purchases)["journeys"]["attributed"] == {
        "conversions": 1,
        "net_minor": {"EUR": 50},
    }


def test_days_hold_touchpoints_of_their_own_and_purchases_at_their_sale():
    touches = [
        touch(1, 1, at=DAY, kind="impression", cost=5),
        touch(2, 1, at=2 * DAY, kind="click", cost=7),
        touch(3, 2, at=2 * DAY, kind="click"),
        touch(4, 2, at=2 * DAY, own=False, cost=100),
        touch(5, at=2 * DAY, kind="open"),
    ]
    purchases = [bought(1, 1, at=3 * DAY), bought(2, 2, at=3 * DAY, gross=40), bought(3, 3, at=3 * DAY)]

    found = asked(touches, purchases, kind="days", period=[0, 4 * DAY], edges=[day * DAY for day in range(5)])

    assert found["total"] == {
        "kinds": {"impression": 1, "click": 2, "open": 1},
        "reach": 2,
        "costs": {"EUR": 12},
        "conversions": 2,
        "net_minor": {"EUR": 140},
    }
    assert [(day, each["reach"], each["conversions"]) for day, each in found["days"].items()] == [
        ("1", 1, 0),
        ("2", 2, 0),
        ("3", 0, 2),
    ]


def test_facts_survive_the_way_to_another_process():
    touches, purchases = a_season(1)
    facts = facts_of(touches, purchases)
    facts.add_named([Named(1, 2, 3)])

    back, question = Facts.decoded(facts.encoded({"kind": "credits"}))

    assert (list(back.touches()), list(back.bought())) == (touches, purchases)
    assert list(back.named()) == [Named(1, 2, 3)]
    assert (question, back.newest_us, len(back)) == ({"kind": "credits"}, facts.newest_us, len(facts))


def test_ids_have_numbers_of_their_own_and_none_is_nobody():
    assert len({number_of(str(identity)) for identity in range(10_000)} - {NOBODY}) == 10_000
    assert number_of(None) == number_of("") == NOBODY


async def test_a_process_answers_as_a_thread_does():
    touches, purchases = a_season(3, customers=1200)
    facts = facts_of(touches, purchases)
    question = {"kind": "credits", "model": "data_driven", "period": ALWAYS, "window": WINDOW}
    assert len(facts) > 2000

    found = await Calculator().ask(facts, question)

    assert found == json.loads(answered(facts.encoded(question)))


async def test_too_few_paths_are_refused_from_a_process_as_from_a_thread():
    few = facts_of([touch(1, 1, at=DAY)], [])
    many = facts_of([touch(number, 1, at=DAY + number) for number in range(2500)], [])
    question = {"kind": "credits", "model": "shapley", "period": ALWAYS, "window": WINDOW}

    for facts in (few, many):
        with pytest.raises(TooFewPaths) as refusal:
            await Calculator().ask(facts, question)
        assert refusal.value.metadata == {"path_count": "1", "minimum": "100"}


async def test_more_than_may_wait_are_refused():
    calculator = Calculator(at_once=1, most_waiting=0)

    with pytest.raises(AttributionBusy) as refusal:
        async with calculator.turn():
            pass

    assert refusal.value.retry_after is not None
