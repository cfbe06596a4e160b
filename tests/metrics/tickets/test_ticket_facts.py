"""Statements about a ticket mean the same in whatever order they are merged."""

import random
from datetime import timedelta
from uuid import UUID

import pytest

from services.metrics.tickets.events import ticket_of
from services.metrics.tickets.recorder import merged
from tests.platform import events as make
from tests.platform.events import NOON

TENANT, VENUE, TICKET, SHOW, OTHER, STALLS, BALCONY, ORDER = (UUID(int=number) for number in range(1, 9))


def scanned(number, result="admitted", *, show=SHOW, minute=None, **told):
    minute = number if minute is None else minute
    return make.ticket_scanned(
        TENANT,
        VENUE,
        TICKET,
        show=show,
        result=result,
        at=NOON + timedelta(minutes=minute),
        event_id=UUID(int=100 + number),
        **told,
    )


def known(*events):
    statements = [ticket for event in events if (ticket := ticket_of(event)) is not None]
    return merged(statements).get(TICKET)


LOG = [
    scanned(1, gate="A", ticket_type=STALLS),
    scanned(2, "exited", order=ORDER),
    scanned(3, "readmitted", gate="B", ticket_type=BALCONY),
    scanned(4, "refused", show=OTHER),
    scanned(5, "exited", minute=3),
    make.ticket_transferred(TENANT, VENUE, TICKET, show=SHOW, at=NOON, event_id=UUID(int=200)),
    make.ticket_transferred(
        TENANT, VENUE, TICKET, show=SHOW, at=NOON - timedelta(days=1), event_id=UUID(int=201)
    ),
    make.ticket_resold(
        TENANT, VENUE, TICKET, show=OTHER, at=NOON - timedelta(days=2), event_id=UUID(int=202)
    ),
]


def test_every_arrival_order_gives_the_same_ticket():
    expected = known(*LOG)
    shuffling = random.Random(7)

    for _ in range(60):
        arrivals = LOG + shuffling.choices(LOG, k=3)
        shuffling.shuffle(arrivals)
        cut = shuffling.randrange(1, len(arrivals))
        parts = [part for part in (known(*arrivals[:cut]), known(*arrivals[cut:])) if part is not None]

        assert known(*arrivals) == expected
        assert merged(parts) == {TICKET: expected}


def test_the_earliest_admission_and_the_latest_statements_hold():
    ticket = known(*LOG)

    assert (ticket.admission.at, ticket.admission.gate) == (NOON + timedelta(minutes=1), "A")
    assert (ticket.place.event_id, ticket.place.at) == (SHOW, NOON + timedelta(minutes=3))
    assert (ticket.ticket_type.id, ticket.order.id) == (BALCONY, ORDER)
    assert ticket.first_transferred_at == NOON - timedelta(days=1)
    assert ticket.first_resold_at == NOON - timedelta(days=2)


def test_of_two_movements_at_once_the_greater_event_id_decides():
    assert known(*LOG).movement.is_inside is False
    assert known(scanned(9, "exited", minute=3), scanned(10, minute=3)).movement.is_inside is True


def test_a_statement_without_a_type_leaves_the_type_that_was_told():
    assert known(scanned(1, ticket_type=STALLS), scanned(2)).ticket_type.id == STALLS


@pytest.mark.parametrize(
    ("result", "admitted", "inside"),
    [("admitted", True, True), ("readmitted", True, True), ("exited", False, False)],
)
def test_what_a_scan_says_about_a_ticket(result, admitted, inside):
    ticket = known(scanned(1, result))

    assert (ticket.admission is not None, ticket.movement.is_inside) == (admitted, inside)


def test_a_refused_scan_says_nothing_about_a_ticket():
    assert known(scanned(1, "refused")) is None
