"""Makes a season up from a seed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from random import Random
from uuid import NAMESPACE_OID, UUID, uuid5

from tests.metrics.season.facts import (
    Line,
    Listing,
    Order,
    Refund,
    Resale,
    Scan,
    Season,
    Show,
    Step,
    Transfer,
    Type,
    Venue,
)

DAYS = 330
"""Since the first show. With the sale before it, both changes of the clock lie within, and no fact is older
than the service keeps them."""

_VENUES = (
    ("Spreehalle", "Europe/Berlin", "EUR"),
    ("The Foundry", "America/New_York", "USD"),
    ("Himal Mandap", "Asia/Kathmandu", "NPR"),
)
_CHANNELS = ("web", "web", "mobile", "mobile", "box_office", "partner")
_DAY = timedelta(days=1)
_OWN = uuid5(NAMESPACE_OID, "season in three zones").int
"""Keeps the ids of this generator apart from those of others with the same seed."""


class Player:
    """Plays one season.

    Args:
        seed: Same seed, same season.
        orders: Orders, about.
        now: The end of what has happened; shows go on after it.
    """

    def __init__(self, seed: int, *, orders: int, now: datetime) -> None:
        self._chance = Random(seed)
        self._orders = orders
        self._now = now
        venues = [Venue(self.new_id(), *about) for about in _VENUES]
        self.season = Season(self.new_id(), now, venues)

    def new_id(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128) ^ _OWN, version=4)

    def play(self) -> Season:
        for venue in self.season.venues:
            for show in self._shows(venue):
                self.season.shows[show.id] = show
            shows = [show for show in self.season.shows.values() if show.venue_id == venue.id]
            for _ in range(self._orders // len(_VENUES)):
                self._visit(venue, shows)
        self.season.steps.sort(key=attrgetter("at"))
        return self.season

    def _shows(self, venue: Venue) -> Iterator[Show]:
        chance = self._chance
        for number in range(20):
            starts_at = self._now + timedelta(days=-DAYS + 20 * number, hours=chance.randrange(24))
            starts_at = starts_at.replace(minute=30, second=0, microsecond=0)
            show_id = self.new_id()
            seats = self._orders // 20
            types = tuple(
                Type(self.new_id(), show_id, name, price, seats * share // 10, seats // 50)
                for name, price, share in (("Stalls", 4_200, 5), ("Balcony", 2_500, 4), ("Box", 9_900, 2))
            )
            yield Show(
                id=show_id,
                venue_id=venue.id,
                name=f"Evening {number}",
                genre=chance.choice(["rock", "jazz"]),
                on_sale_at=starts_at - 60 * _DAY,
                doors_at=starts_at - timedelta(minutes=60),
                starts_at=starts_at,
                types=types,
            )

    def _visit(self, venue: Venue, shows: list[Show]) -> None:
        """An order with its session, and four sessions that came to nothing."""
        chance = self._chance
        show = chance.choice(shows)
        sold_at = show.starts_at - timedelta(seconds=chance.expovariate(1 / (12 * 86_400)))
        sold_at = max(sold_at, show.on_sale_at).replace(microsecond=chance.randrange(10**6))
        if sold_at >= self._now:
            sold_at = self._now - timedelta(seconds=chance.uniform(1, 30 * 86_400))
        order = self._order(venue, show, shows, sold_at)
        self.season.orders.append(order)
        if order.session:
            self._browse(order.session, venue, show, sold_at, depth=4)
        for _ in range(4):
            depth = chance.choices((1, 2, 3, 4), (40, 35, 15, 10))[0]
            self._browse(f"s-{chance.getrandbits(60):x}", venue, show, sold_at, depth=depth)
        if order.cancelled_at is None:
            back = self._refund(order)
            self._tickets(order, back)

    def _order(self, venue: Venue, show: Show, shows: list[Show], sold_at: datetime) -> Order:
        chance = self._chance
        picks = [(show, chance.choice(show.types))]
        if chance.random() < 0.15:
            picks.append((show, chance.choice(show.types)))
        if chance.random() < 0.1:
            other = chance.choice(shows)
            picks.append((other, chance.choice(other.types)))
        lines = tuple(Line(chance.randint(1, 4), kind.price, kind.id, of.id) for of, kind in picks)
        listed = sum(line.quantity * line.price for line in lines)
        gross = listed - (chance.randrange(500) if chance.random() < 0.2 else 0)
        channel = chance.choice(_CHANNELS)
        online = channel in ("web", "mobile")
        return Order(
            id=self.new_id(),
            venue_id=venue.id,
            sold_at=sold_at,
            channel=channel,
            currency="EUR" if chance.random() < 0.05 else venue.currency,
            session=f"s-{chance.getrandbits(60):x}" if online else "",
            lines=lines,
            gross=gross,
            fees=gross * 3 // 100,
            wrong_gross=gross + 77 if chance.random() < 0.02 else None,
            cancelled_at=sold_at + timedelta(minutes=5) if chance.random() < 0.02 else None,
        )

    def _browse(self, session: str, venue: Venue, show: Show, until: datetime, *, depth: int) -> None:
        """Two to four page views, then perhaps a cart and a checkout, in the quarter of an hour before."""
        chance = self._chance
        device = chance.choice(["desktop", "mobile", "tablet", ""])
        at = until - timedelta(seconds=chance.uniform(300, 1500))

        def step(kind: str, show_id: UUID | None, page: str) -> None:
            nonlocal at
            self.season.steps.append(Step(session, venue.id, at, kind, show_id, page, device))
            at += timedelta(seconds=chance.uniform(1, 70))

        step("page", None, "/")
        if depth == 1 and chance.random() < 0.5:
            step("page", None, "/calendar")
        for _ in range(chance.randint(1, 3) if depth > 1 else 0):
            step("page", show.id, f"/shows/{show.id}")
        if depth > 2:
            step("cart", show.id, "")
        if depth > 3:
            step("checkout", show.id, "")

    def _refund(self, order: Order) -> dict[int, int]:
        """Nothing, some tickets or all of them; the tickets that went back, by line."""
        chance = self._chance
        at = order.sold_at + timedelta(days=chance.uniform(0.01, 9))
        if chance.random() > 0.06 or at >= self._now:
            return {}
        if chance.random() < 0.5:
            back = {place: line.quantity for place, line in enumerate(order.lines)}
            refund = Refund(self.new_id(), order, at, order.gross, order.fees, back)
        else:
            place = chance.randrange(len(order.lines))
            back = {place: 1}
            refund = Refund(self.new_id(), order, at, min(order.lines[place].price, order.gross), 0, back)
        self.season.refunds.append(refund)
        return back

    def _tickets(self, order: Order, back: dict[int, int]) -> None:
        for place, line in enumerate(order.lines):
            for _ in range(line.quantity - back.get(place, 0)):
                self._ticket(order, line)

    def _ticket(self, order: Order, line: Line) -> None:
        chance = self._chance
        show, ticket_id = self.season.shows[line.show_id], self.new_id()
        if chance.random() < 0.03:
            at = order.sold_at + timedelta(hours=chance.uniform(1, 48))
            if at < self._now:
                self.season.transfers.append(Transfer(ticket_id, order.venue_id, show.id, at))
        if chance.random() < 0.05:
            self._offer(order, line, ticket_id)
        if show.starts_at + timedelta(hours=4) < self._now and chance.random() < 0.9:
            self._arrive(order, line, show, ticket_id)

    def _arrive(self, order: Order, line: Line, show: Show, ticket_id: UUID) -> None:
        chance = self._chance
        at = show.starts_at + timedelta(minutes=max(-59, min(chance.gauss(-25, 14), 40)))
        gate = chance.choice(["north", "south"])

        def scan(when: datetime, result: str) -> None:
            self.season.scans.append(
                Scan(ticket_id, order.venue_id, show.id, line.type_id, order.id, when, gate, result)
            )

        if chance.random() < 0.03:
            scan(at - timedelta(seconds=20), "refused")
        scan(at, "admitted")
        if chance.random() < 0.05:
            scan(at + timedelta(minutes=30), "exited")
            if chance.random() < 0.7:
                scan(at + timedelta(minutes=45), "readmitted")

    def _offer(self, order: Order, line: Line, ticket_id: UUID) -> None:
        """A listing that changes its price, is withdrawn or sold; or a resale without a listing."""
        chance = self._chance
        at = order.sold_at + timedelta(hours=chance.uniform(1, 200))
        face = line.price if chance.random() < 0.9 else None
        price = round(line.price * chance.uniform(0.7, 1.6))
        listing_id = self.new_id() if chance.random() < 0.85 else None
        about = (ticket_id, order.venue_id, line.show_id, line.type_id)
        version = 0
        if listing_id is not None:
            for status in (
                "active",
                *chance.choice([(), ("active",), ("withdrawn",), ("withdrawn", "active")]),
            ):
                version += 1
                if at < self._now:
                    self.season.listings.append(
                        Listing(listing_id, *about, at, version, price, face, order.currency, status)
                    )
                at += timedelta(hours=chance.uniform(1, 30))
                price = round(price * 0.95)
        if chance.random() < 0.5 and at < self._now:
            self.season.resales.append(
                Resale(ticket_id, listing_id, *about[1:], at, price, face, price // 20, order.currency)
            )


def play(seed: int, *, orders: int) -> Season:
    """A season that ends now."""
    return Player(seed, orders=orders, now=datetime.now(UTC)).play()
