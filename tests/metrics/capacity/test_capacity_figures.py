"""Seats are added up from what is known, and what is not known stays unknown."""

from uuid import UUID

from services.metrics.capacity.figures import Seats, TicketTypeSeats, event_seats, sum_of


def of_type(number, total, held, sold):
    return TicketTypeSeats(UUID(int=number) if number else None, "", Seats(total, held, sold))


def test_a_show_adds_up_its_ticket_types():
    seats = event_seats(None, [of_type(1, 100, 10, 30), of_type(2, 50, 0, 50)])

    assert seats == Seats(150, 10, 80)
    assert seats.available == 60
    assert seats.utilisation == 80 / 150


def test_without_any_capacity_nothing_is_invented():
    seats = event_seats(None, [of_type(1, None, None, 7)])

    assert seats == Seats(None, None, 7)
    assert seats.available is None
    assert seats.utilisation is None


def test_tickets_of_an_undescribed_type_leave_the_total_to_the_show():
    seats = event_seats(500, [of_type(1, 100, 10, 30), of_type(2, None, None, 5)])

    assert seats == Seats(500, None, 35)
    assert seats.available is None


def test_tickets_without_a_type_count_against_the_types_that_are_known():
    assert event_seats(500, [of_type(1, 100, 10, 30), of_type(None, None, None, 5)]) == Seats(100, 10, 35)


def test_a_show_that_only_tells_what_it_holds():
    seats = event_seats(500, [])

    assert seats == Seats(500, None, 0)
    assert seats.utilisation == 0


def test_oversold_seats_show_in_the_ratio_and_not_as_negative_seats():
    seats = Seats(100, 10, 110)

    assert seats.available == 0
    assert seats.utilisation == 1.1


def test_what_one_show_does_not_know_the_venue_does_not_know():
    assert sum_of([Seats(100, 10, 1), Seats(200, None, 2), Seats(None, 5, 3)]) == Seats(None, None, 6)
    assert sum_of([]) == Seats(0, 0, 0)


def test_no_ratio_over_a_total_of_zero():
    assert Seats(0, 0, 0).utilisation is None
