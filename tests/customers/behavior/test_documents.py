"""Documents of sessions come out the same, however their events arrive."""

from datetime import timedelta
from functools import reduce
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.customers.behavior.documents import MOST_STEPS, merged, visit_of
from tests.platform import events as make

TENANT, VENUE, PERSON, SHOW = (UUID(int=n) for n in range(1, 5))


def at(second):
    return make.NOON + timedelta(seconds=second)


def page(second, *, person=PERSON, session="s", **envelope):
    event = make.page_viewed(TENANT, VENUE, session, page="/p", show=SHOW, at=at(second), **envelope)
    event.page_viewed.customer_id = str(person)
    return event


def cart(second, *shows, person=PERSON):
    event = make.cart_updated(TENANT, VENUE, "s", shows=shows, at=at(second))
    event.cart_updated.customer_id = str(person)
    event.cart_updated.value.amount_minor, event.cart_updated.value.currency = 2_500, "EUR"
    return event


def document_of(visits):
    return merged(visits[0].start, visits)


def test_a_document_tells_what_was_done():
    checkout = make.checkout_started(TENANT, VENUE, "s", show=SHOW, at=at(60))
    checkout.checkout_started.customer_id = str(PERSON)

    document = document_of([visit_of(event) for event in (page(0), cart(30, SHOW, None), checkout)])

    assert (document["venue_id"], document["customer_id"], document["session_id"]) == (
        str(VENUE),
        str(PERSON),
        "s",
    )
    assert [step["kind"] for step in document["steps"]] == ["page", "cart", "checkout"]
    assert document["steps"][1]["shows"] == [str(SHOW)]
    assert (document["steps"][1]["ticket_count"], document["steps"][1]["value_minor"]) == (2, 2_500)
    assert document["last_microseconds"] - document["first_microseconds"] == 60_000_000
    assert not document["has_more_steps"]


def test_who_is_not_signed_in_leaves_no_document():
    assert visit_of(make.page_viewed(TENANT, VENUE, "s")) is None


def test_sessions_of_two_people_or_venues_are_apart():
    one, other = visit_of(page(0)), visit_of(page(0, person=UUID(int=9)))
    elsewhere = make.page_viewed(TENANT, UUID(int=8), "s")
    elsewhere.page_viewed.customer_id = str(PERSON)

    assert len({one.document_id, other.document_id, visit_of(elsewhere).document_id}) == 3


@pytest.mark.parametrize("count", [MOST_STEPS - 1, MOST_STEPS, MOST_STEPS + 1, 2 * MOST_STEPS])
def test_the_latest_steps_are_kept_in_any_order_and_however_often(count):
    visits = [visit_of(page(second)) for second in range(count)]
    whole = document_of(visits)
    shuffled = visits * 2
    Random(count).shuffle(shuffled)

    one_by_one = reduce(lambda document, visit: merged(document, [visit]), shuffled, shuffled[0].start)

    assert one_by_one == whole
    assert [step["microseconds"] for step in whole["steps"]] == [
        visit.step["microseconds"] for visit in visits[-MOST_STEPS:]
    ]
    assert whole["has_more_steps"] == (count > MOST_STEPS)
    assert whole["first_microseconds"] == visits[0].step["microseconds"]


@given(st.lists(st.tuples(st.integers(0, 20), st.uuids()), min_size=1, max_size=12), st.randoms())
def test_merging_commutes_and_may_be_repeated(steps, random):
    by_event = {event: second for second, event in steps}
    visits = [visit_of(page(second, event_id=event)) for event, second in by_event.items()]
    shuffled = [*visits, *visits[:3]]
    random.shuffle(shuffled)

    parts = reduce(lambda document, visit: merged(document, [visit]), shuffled, shuffled[0].start)

    assert parts == document_of(visits)
    assert not parts["has_more_steps"]
