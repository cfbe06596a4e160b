"""The program of a house: which show a purchase is for, and that no seat is sold twice."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from deploy.local.simulator.patrons.habits import Habit
from deploy.local.simulator.world import Show, TicketType

_MEAN_LEAD_DAYS = 13
_LONGEST_LEAD_DAYS = 45


class HouseTooSmall(Exception):
    """A purchase found no seats in any show on sale; the truth about chances to buy would not hold."""


class Program:
    """Shows with seats for everyone who wants one.

    Args:
        shows: In order of their doors.
    """

    def __init__(self, shows: Iterable[Show]) -> None:
        self.shows = list(shows)
        self._doors = [show.doors_at for show in self.shows]
        self._sold: Counter[UUID] = Counter()

    def seats(self, random: Random, habit: Habit, party: int, at: datetime) -> tuple[Show, TicketType]:
        """Seats for a party, in a category of its liking where there are some; they are taken.

        People buy for shows around a fortnight ahead, and for the next one where a show is sold out.

        Raises:
            HouseTooSmall: There are none.
        """
        lead = min(random.expovariate(1 / _MEAN_LEAD_DAYS), _LONGEST_LEAD_DAYS)
        (wanted,) = random.choices(range(3), habit.seats)
        for place in range(bisect_right(self._doors, at + timedelta(days=lead)), len(self.shows)):
            show = self.shows[place]
            if show.on_sale_at > at:
                break
            for kind in (show.ticket_types[wanted], *show.ticket_types):
                if self._sold[kind.id] + party <= kind.capacity - kind.held:
                    self._sold[kind.id] += party
                    return show, kind
        raise HouseTooSmall(f"no show on sale has {party} seats left")
