"""Statements about an order mean the same in whatever order they are merged."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from libs.common.bus.revision import Revision
from libs.common.orders.books import books_of
from libs.common.orders.facts import Order, Refund, ReturnedLine, Sale, SoldLine
from libs.common.orders.merging import merged

ORDER, VENUE, SHOW, STALLS, BALCONY = (UUID(int=n) for n in range(1, 6))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_sale(version=0, *, gross=10_000, lines=None, at=NOON, event_number=100):
    return Sale(
        revision=Revision(version, at, UUID(int=event_number + version)),
        venue_id=VENUE,
        channel="web",
        currency="EUR",
        gross_minor=gross,
        fee_minor=500,
        lines=lines or (SoldLine(2, 3_000, STALLS), SoldLine(4, 1_000, BALCONY)),
        event_id=SHOW,
    )


def a_refund(number, amount, *lines, currency="EUR", fees=0, version=0):
    refund_id = UUID(int=1000 + number)
    revision = Revision(version, NOON + timedelta(hours=number), UUID(int=2000 + 10 * number + version))
    refund = Refund(refund_id, revision, VENUE, currency, amount, fees, tuple(lines))
    return Order(ORDER, refunds={refund_id: refund})


def test_every_arrival_order_gives_the_same_order():
    statements = [
        Order(ORDER, sale=a_sale(1)),
        Order(ORDER, sale=a_sale(2, gross=9_000)),
        a_refund(1, 700),
        a_refund(1, 800, version=1),
        a_refund(2, 100, ReturnedLine(1, STALLS)),
    ]
    expected = merged(statements)[ORDER]
    shuffling = random.Random(7)

    for _ in range(60):
        arrivals = statements + shuffling.choices(statements, k=3)
        shuffling.shuffle(arrivals)

        assert merged(arrivals) == {ORDER: expected}
    assert expected.sale == a_sale(2, gross=9_000)
    assert [refund.amount_minor for refund in expected.refunds.values()] == [800, 100]


def test_a_cancelled_order_leaves_the_books_whatever_comes_later():
    cancelled = Order(ORDER, cancelled_at=NOON)

    order = cancelled.merged(Order(ORDER, sale=a_sale(9))).merged(a_refund(1, 700))

    assert books_of(order) == ()


def test_a_refund_without_its_sale_is_not_in_the_books():
    assert books_of(a_refund(1, 700)) == ()


def test_the_orders_own_amounts_are_divided_by_list_value():
    stalls, balcony = books_of(Order(ORDER, sale=a_sale(gross=9_000)))

    assert (stalls.gross_minor, balcony.gross_minor) == (5_400, 3_600)
    assert (stalls.fee_minor, balcony.fee_minor) == (300, 200)
    assert (stalls.ticket_count, balcony.ticket_count) == (2, 4)
    assert (stalls.order_count, balcony.order_count) == (1, 0)
    assert stalls.event_id == SHOW


def test_a_refund_of_tickets_falls_on_their_line():
    order = Order(ORDER, sale=a_sale()).merged(a_refund(1, 2_000, ReturnedLine(2, BALCONY)))

    stalls, balcony = books_of(order)

    assert (stalls.refund_minor, stalls.refunded_ticket_count) == (0, 0)
    assert (balcony.refund_minor, balcony.refunded_ticket_count) == (2_000, 2)


def test_no_more_tickets_go_back_than_were_sold():
    order = Order(ORDER, sale=a_sale())
    order = order.merged(a_refund(1, 2_000, ReturnedLine(2, STALLS), fees=100))
    order = order.merged(a_refund(2, 2_000, ReturnedLine(2, STALLS)))

    stalls, balcony = books_of(order)

    assert stalls.refunded_ticket_count == 2
    assert stalls.refund_minor + balcony.refund_minor == 4_000
    assert stalls.refunded_fee_minor == 100


def test_money_only_refund_is_divided_by_gross():
    stalls, balcony = books_of(Order(ORDER, sale=a_sale()).merged(a_refund(1, 1_000)))

    assert (stalls.refund_minor, balcony.refund_minor) == (600, 400)
    assert stalls.refunded_ticket_count == balcony.refunded_ticket_count == 0


def test_a_refund_names_the_show_where_an_order_has_several():
    other_show = UUID(int=77)
    lines = (SoldLine(1, 1_000, STALLS), SoldLine(1, 1_000, STALLS, other_show))
    order = Order(ORDER, sale=a_sale(lines=lines))

    first, second = books_of(order.merged(a_refund(1, 1_000, ReturnedLine(1, STALLS, other_show))))

    assert (first.refunded_ticket_count, second.refunded_ticket_count) == (0, 1)
    assert (first.refund_minor, second.refund_minor) == (0, 1_000)
    assert (first.event_id, second.event_id) == (SHOW, other_show)


def test_a_refund_in_another_currency_is_never_added_to_the_sale():
    order = Order(ORDER, sale=a_sale()).merged(a_refund(1, 900, ReturnedLine(1, STALLS), currency="USD"))

    stalls, balcony, foreign = books_of(order)

    assert stalls.refund_minor == balcony.refund_minor == 0
    assert stalls.refunded_ticket_count == 1
    assert (foreign.currency, foreign.refund_minor, foreign.order_count) == ("USD", 900, 0)


def test_books_are_dated_by_the_sale_and_know_their_newest_fact():
    (line,) = books_of(Order(ORDER, sale=a_sale(lines=(SoldLine(1, 100),))).merged(a_refund(5, 10)))

    assert line.sold_at == NOON
    assert line.newest_fact_at == NOON + timedelta(hours=5)
