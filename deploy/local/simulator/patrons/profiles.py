"""Houses with a following: where it is, who comes, and who is written to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deploy.local.simulator.patrons.habits import CHANNELS, FOLLOWING, OCCASIONAL, REGULARS, Channel, Habit
from deploy.local.simulator.world import ANNOUNCED_DAYS, Ids, Size, Venue


@dataclass(frozen=True, slots=True)
class Profile:
    """What is played at a house.

    Attributes:
        name: What it is called.
        habits: Of those who join.
        joins_per_week: People who buy for the first time, at a constant rate.
        channels: Who is met where.
        open_days: Days of sales before the anchor.
        founders: Patrons of a habit who came already before the first day that is told, and so many.
        unseen_days: Days played before the first that is told, so that it is a day like all others.
        shows_per_week: On the same weekdays every week.
        seats: In one show.
        scanned_days: Days before the anchor whose shows tell their scans.
        campaign_days: Length of each campaign; channels take turns. 0: there are none.
    """

    name: str
    habits: Sequence[Habit]
    joins_per_week: float
    channels: Sequence[Channel]
    open_days: int
    founders: Sequence[tuple[Habit, int]] = ()
    unseen_days: int = 0
    shows_per_week: int = 1
    seats: int = 400
    scanned_days: int = 14
    campaign_days: int = 0

    @property
    def size(self) -> Size:
        """What the house's program needs to know."""
        return Size(
            venue_count=1,
            shows_per_week=self.shows_per_week,
            past_days=self.open_days,
            future_days=ANNOUNCED_DAYS,
            seat_factor=1.0,
            customers_per_venue=0,
            traffic_days=self.scanned_days,
        )


_STEADY = Habit("steady", 0.0, 12, 4, 0.0, None, (35, 48, 17), (20, 55, 10, 15))
_PASSING = Habit("passing", 1.0, 12, 4, 0.7, None, (35, 48, 17), (20, 55, 10, 15))

SMALL = Profile(
    "small",
    FOLLOWING,
    1.4,
    tuple(replace(channel, contacts_per_year=1) for channel in CHANNELS),
    364,
    founders=((REGULARS, 10), (OCCASIONAL, 32)),
    unseen_days=60,
    seats=150,
    scanned_days=7,
    campaign_days=60,
)
"""As few facts as models of purchases need; there are too few of them to tell channels apart."""
FULL = Profile("full", FOLLOWING, 40, CHANNELS, 546, shows_per_week=3, seats=900, campaign_days=60)
LARGE = Profile("large", FOLLOWING, 90, CHANNELS, 546, shows_per_week=3, seats=2_200, scanned_days=0)
"""Enough people to tell a chance from another by 5 points in each decile."""
QUIET = Profile(
    "quiet",
    (_PASSING,),
    20,
    (),
    504,
    founders=((_STEADY, 60),),
    unseen_days=210,
    shows_per_week=2,
    scanned_days=504,
    seats=300,
)
"""Nothing ever changes: the same people for ever, others who come and go at one rate, and no marketing."""

PROFILES = {profile.name: profile for profile in (SMALL, FULL, LARGE, QUIET)}


def house(ids: Ids, profile: Profile) -> Venue:
    """The venue of the following."""
    return Venue(
        id=ids.make("venue", "Kammerspiele"),
        name="Kammerspiele",
        city="Wien",
        country="AT",
        time_zone="Europe/Vienna",
        currency="EUR",
        capacity=profile.seats,
        base_price_minor=3_600,
    )
