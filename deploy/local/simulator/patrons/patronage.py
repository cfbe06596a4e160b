"""A house with its following: what happened there, and what is true of its people."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from deploy.local.simulator.facts import Season
from deploy.local.simulator.patrons.habits import Channel
from deploy.local.simulator.patrons.lives import Latent
from deploy.local.simulator.patrons.profiles import Profile
from deploy.local.simulator.patrons.rhythm import Rhythm
from deploy.local.simulator.world import Customer, Venue


@dataclass(frozen=True, slots=True)
class Patron:
    """A person of the following."""

    customer: Customer
    email: str
    has_consented: bool
    joined_at: datetime
    latent: Latent


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign over one channel; contacts of the channel belong to it while it lasts.

    `spend_minor` is what it cost besides its contacts.
    """

    id: UUID
    name: str
    channel: Channel
    starts_at: datetime
    ends_at: datetime
    budget_minor: int
    spend_minor: int


@dataclass(frozen=True, slots=True)
class Touch:
    """A patron met a channel; `number` counts the contacts of the patron."""

    patron: Patron
    number: int
    channel: Channel
    at: datetime
    campaign: Campaign | None


@dataclass(slots=True)
class Patronage:
    """Everything that happened at a house until the anchor's midnight on its clock.

    Attributes:
        profile: What was played.
        rhythm: The clock of all rates.
        season: The house's venue, shows, orders and scans. It names no customers: patrons tell more.
        patrons: Everyone who bought.
        campaigns: In the order in which they began.
        touches: Contacts of patrons.
        causes: By order, the contact without which it would not be there.
    """

    profile: Profile
    rhythm: Rhythm
    season: Season
    patrons: list[Patron] = field(default_factory=list)
    campaigns: tuple[Campaign, ...] = ()
    touches: list[Touch] = field(default_factory=list)
    causes: dict[UUID, Touch] = field(default_factory=dict)

    @property
    def venue(self) -> Venue:
        return self.season.venues[0]

    @property
    def since(self) -> datetime:
        """Beginning of the first day that is told."""
        return self._midnight(self.season.anchor - timedelta(days=self.profile.open_days))

    @property
    def until(self) -> datetime:
        """The anchor's midnight, when what has happened ends."""
        return self._midnight(self.season.anchor)

    @property
    def present(self) -> list[Customer]:
        """Patrons who had not stopped to come when it ended."""
        return [patron.customer for patron in self.patrons if patron.latent.left is None]

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.venue.zone).astimezone(UTC)
