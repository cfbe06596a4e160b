"""How people behave, and how often others do otherwise: what every patron is drawn from."""

from dataclasses import dataclass
from math import exp


@dataclass(frozen=True, slots=True)
class Habit:
    """One way to behave.

    A patron of it buys as a Poisson process at a rate of their own, gamma(`shape`) around the mean, until
    they leave: after each purchase with the chance `loss_ratio`, and besides at a constant hazard.

    Attributes:
        name: What it is called.
        share: Part of those who join, 0 to 1.
        purchases_per_year: Mean rate of its patrons while they stay.
        shape: Of the gamma distribution of rates; the larger, the more alike they are.
        loss_ratio: Chance to leave after each purchase, the first one included.
        stay_days: Mean time until they leave without a reason; None: never.
        seats: How often balcony, stalls and premium seats are bought, as weights.
        parties: How often one, two, three and four seats are bought, as weights.
    """

    name: str
    share: float
    purchases_per_year: float
    shape: float
    loss_ratio: float
    stay_days: float | None
    seats: tuple[int, int, int]
    parties: tuple[int, int, int, int]

    @property
    def leaving_per_day(self) -> float:
        """Hazard to leave between purchases."""
        return 0.0 if self.stay_days is None else 1 / self.stay_days


@dataclass(frozen=True, slots=True)
class Channel:
    """A marketing channel and what it truly does.

    Attributes:
        name: Its slug.
        kind: What a contact is: "impression", "click", "open" or "visit".
        contacts_per_year: Contacts of each person who agreed to marketing, whether they still come or not.
        effect: Chance that a contact makes somebody who still comes buy once more than they would have.
        cost_minor: Of one contact.
    """

    name: str
    kind: str
    contacts_per_year: float
    effect: float
    cost_minor: int


def chance_to_buy(rate_per_day: float, leaving_per_day: float, days: float) -> float:
    """Chance that somebody who still comes buys within some days.

    The first of two exponential times, to buy and to leave, decides; what happens after the purchase does not
    matter.
    """
    total = rate_per_day + leaving_per_day
    return 0.0 if total == 0 else rate_per_day / total * (1 - exp(-total * days))


REGULARS = Habit("regulars", 0.20, 14, 4, 0.01, 900, (20, 50, 30), (15, 60, 10, 15))
OCCASIONAL = Habit("occasional", 0.35, 5, 3, 0.10, None, (35, 50, 15), (20, 55, 10, 15))
ONE_TIMERS = Habit("one_timers", 0.30, 3, 3, 0.85, None, (60, 35, 5), (25, 55, 10, 10))
LAPSING = Habit("lapsing", 0.15, 12, 4, 0.00, 120, (35, 48, 17), (20, 55, 10, 15))
FOLLOWING = (REGULARS, OCCASIONAL, ONE_TIMERS, LAPSING)

CHANNELS = (
    Channel("search", "click", 3, 0.36, 45),
    Channel("email", "open", 3, 0.22, 3),
    Channel("social", "click", 3, 0.12, 20),
    Channel("display", "impression", 3, 0.0, 2),
    Channel("partner", "visit", 3, 0.0, 0),
)
