"""Plays a house with its following: the same tenant, seed, profile and anchor give the same facts."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from unicodedata import normalize

from deploy.local.simulator import world
from deploy.local.simulator.facts import Line, Order, Scan, Season
from deploy.local.simulator.patrons.habits import Habit
from deploy.local.simulator.patrons.lives import Contact, Life, Purchase, live
from deploy.local.simulator.patrons.names import name
from deploy.local.simulator.patrons.patronage import Campaign, Patron, Patronage, Touch
from deploy.local.simulator.patrons.profiles import Profile, house
from deploy.local.simulator.patrons.program import Program
from deploy.local.simulator.patrons.rhythm import Rhythm
from deploy.local.simulator.season import make_order
from deploy.local.simulator.world import Ids, Venue

_CONSENT_RATIO = 0.7
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)


def play(ids: Ids, profile: Profile, anchor: date) -> Patronage:
    """The house until the anchor's midnight."""
    venue = house(ids, profile)
    rhythm = Rhythm(venue.zone, anchor)
    return _Play(ids, profile, venue, anchor, rhythm).play()


class _Play:
    def __init__(self, ids: Ids, profile: Profile, venue: Venue, anchor: date, rhythm: Rhythm) -> None:
        self._ids = ids
        self._profile = profile
        self._venue = venue
        self._rhythm = rhythm
        self._program = Program(world.shows(ids, profile.size, venue, anchor))
        self._made = Patronage(profile, rhythm, Season(ids=ids, anchor=anchor, venues=(venue,)))
        self._until = self._made.until
        self._first = rhythm.busy_days(self._made.since)
        self._made.campaigns = tuple(self._campaigns())

    def play(self) -> Patronage:
        made = self._made
        made.season.shows = [show for show in self._program.shows if show.on_sale_at < self._until]
        for number, (habit, joined) in enumerate(self._joining()):
            self._add(number, habit, joined)
        made.season.orders.sort(key=lambda order: (order.sold_at, order.id))
        made.touches.sort(key=lambda touch: (touch.at, touch.patron.customer.id, touch.number))
        made.season.scans = list(self._scans())
        return made

    def _joining(self) -> Iterator[tuple[Habit, float]]:
        """Habit and busy day of the first purchase of everyone: founders, then a steady stream."""
        profile = self._profile
        random = Random(f"{self._ids.seed}/joining/{self._venue.id}")
        start = -float(profile.open_days + profile.unseen_days)
        for habit, count in profile.founders:
            yield from ((habit, start) for _ in range(count))
        at = start
        while (at := at + random.expovariate(profile.joins_per_week / 7)) < 0:
            shares = [habit.share for habit in profile.habits]
            yield random.choices(profile.habits, shares)[0], at

    def _add(self, number: int, habit: Habit, joined: float) -> None:
        """One patron, unless all that they ever did was before the first day that is told."""
        random = Random(f"{self._ids.seed}/patron/{self._venue.id}/{number}")
        has_consented = random.random() < _CONSENT_RATIO
        life = live(random, habit, self._profile.channels if has_consented else (), joined)
        told = [one for one in life.purchases if one.at >= self._first]
        if not told:
            return
        patron = self._patron(random, number, habit, life, has_consented=has_consented)
        self._made.patrons.append(patron)
        touches = {one.number: self._touch(patron, one) for one in life.contacts if one.at >= self._first}
        self._made.touches += touches.values()
        for place, purchase in enumerate(told):
            order = self._order(random, patron, purchase, place)
            self._made.season.orders.append(order)
            if purchase.cause is not None and purchase.cause.number in touches:
                self._made.causes[order.id] = touches[purchase.cause.number]

    def _patron(
        self, random: Random, number: int, habit: Habit, life: Life, *, has_consented: bool
    ) -> Patron:
        left, own_name = life.latent.left, name(random)
        customer = world.Customer(
            id=self._ids.make("patron", self._venue.id, number),
            name=own_name,
            venue=self._venue,
            channel=random.choices(list(world.CHANNELS), list(world.CHANNELS.values()))[0],
            device=random.choices(["desktop", "mobile", "tablet"], [45, 48, 7])[0],
            party_size=random.choices([1, 2, 3, 4], habit.parties)[0],
            appetite=1.0,
            shows_up_ratio=random.choice([0.85, 0.95, 0.99]),
            leaves_at=_NEVER if left is None else self._rhythm.moment(left),
        )
        plain = normalize("NFKD", own_name).encode("ascii", "ignore").decode().lower().replace(" ", ".")
        return Patron(
            customer=customer,
            email=f"{plain}.{number}@example.com",
            has_consented=has_consented,
            joined_at=self._rhythm.moment(life.latent.joined),
            latent=life.latent,
        )

    def _touch(self, patron: Patron, contact: Contact) -> Touch:
        at = self._rhythm.moment(contact.at)
        campaign = next(
            (
                one
                for one in self._made.campaigns
                if one.channel is contact.channel and one.starts_at <= at < one.ends_at
            ),
            None,
        )
        return Touch(patron, contact.number, contact.channel, at, campaign)

    def _campaigns(self) -> Iterator[Campaign]:
        """One after the other, so that half of the last is to come; channels take turns."""
        days, channels = self._profile.campaign_days, self._profile.channels
        if not days:
            return
        count = self._profile.open_days // days
        for number in range(count):
            channel = channels[number % len(channels)]
            starts_at = self._until - timedelta(days=days * (count - number) - days // 2)
            yield Campaign(
                id=self._ids.make("campaign", self._venue.id, count - number),
                name=f"{channel.name.title()} {starts_at:%B %Y}",
                channel=channel,
                starts_at=starts_at,
                ends_at=starts_at + timedelta(days=days),
                budget_minor=100_000,
                spend_minor=20_000,
            )

    def _order(self, random: Random, patron: Patron, purchase: Purchase, place: int) -> Order:
        sold_at = self._rhythm.moment(purchase.at)
        show, kind = self._program.seats(random, patron.latent.habit, patron.customer.party_size, sold_at)
        return make_order(
            random,
            self._ids,
            show=show,
            customer=patron.customer,
            sold_at=sold_at,
            lines=(Line(kind, patron.customer.party_size),),
            key=f"{patron.customer.id}/{place}",
        )

    def _scans(self) -> Iterator[Scan]:
        """Holders of tickets to the last shows who turned up."""
        random = Random(f"{self._ids.seed}/doors/{self._venue.id}")
        since = self._until - timedelta(days=self._profile.scanned_days)
        for order in self._made.season.orders:
            if not since <= order.show.starts_at < self._until:
                continue
            for line in order.lines:
                for number in range(line.quantity):
                    if random.random() < order.customer.shows_up_ratio:
                        yield self._scan(random, order, line, number)

    def _scan(self, random: Random, order: Order, line: Line, number: int) -> Scan:
        early = timedelta(minutes=max(1.0, min(random.gauss(30, 12), 59.0)))
        return Scan(
            ticket_id=self._ids.make("ticket", order.id, line.ticket_type.id, number),
            order=order,
            ticket_type=line.ticket_type,
            scanned_at=(order.show.starts_at - early).replace(microsecond=0),
            gate=f"gate-{random.randrange(1, 4)}",
            result="admitted",
        )
