"""The exact figures of a season, counted one fact at a time: what every estimate and sum is compared with."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from deploy.local.simulator.facts import Listing, Order, Refund, Resale, Season, Transfer


@dataclass(slots=True)
class Books:
    """Sums of one slice, in minor units; refunds count on the day of the sale they belong to."""

    order_count: int = 0
    ticket_count: int = 0
    gross_minor: int = 0
    refunds_minor: int = 0
    fees_minor: int = 0

    def sell(self, order: Order) -> None:
        self.order_count += 1
        self.ticket_count += order.ticket_count
        self.gross_minor += order.gross_minor
        self.fees_minor += order.fees_minor

    def give_back(self, refund: Refund) -> None:
        self.refunds_minor += refund.amount_minor
        self.fees_minor -= refund.fees_minor

    def figures(self) -> dict[str, int]:
        return asdict(self) | {"net_minor": self.gross_minor - self.refunds_minor - self.fees_minor}


def truth_of(season: Season) -> dict[str, Any]:
    """The truth as JSON: revenue by venue, currency, channel and local day, capacity by show, funnel."""
    return {
        "tenant_id": str(season.ids.tenant_id),
        "seed": season.ids.seed,
        "anchor": season.anchor.isoformat(),
        "venues": [
            {
                "id": str(venue.id),
                "name": venue.name,
                "time_zone": venue.time_zone,
                "currency": venue.currency,
            }
            for venue in season.venues
        ],
        "counts": _counts(season),
        "revenue": _revenue(season, by_day=False),
        "revenue_by_day": _revenue(season, by_day=True),
        "capacity": list(_capacity(season)),
        "funnel": _funnel(season),
        "market": _market(season),
        "scans": dict(sorted(Counter(scan.result for scan in season.scans).items())),
    }


def _market(season: Season) -> dict[str, int]:
    facts = season.second_hands
    return {
        "transfers": sum(isinstance(fact, Transfer) for fact in facts),
        "listings": sum(isinstance(fact, Listing) and fact.version == 1 for fact in facts),
        "resales": sum(isinstance(fact, Resale) for fact in facts),
    }


def _counts(season: Season) -> dict[str, int]:
    return {
        "venues": len(season.venues),
        "shows": len(season.shows),
        "customers": len(season.customers),
        "orders": len(season.orders),
        "tickets": sum(order.ticket_count for order in season.orders),
        "refunds": len(season.refunds),
        "sessions": len(season.visits),
        "scans": len(season.scans),
    }


def _revenue(season: Season, *, by_day: bool) -> list[dict[str, Any]]:
    books: defaultdict[tuple[str, ...], Books] = defaultdict(Books)
    for order in season.orders:
        books[_slice(order, by_day=by_day)].sell(order)
    for refund in season.refunds:
        books[_slice(refund.order, by_day=by_day)].give_back(refund)
    names = ("venue_id", "currency", "channel", "day") if by_day else ("venue_id", "currency")
    return [dict(zip(names, key, strict=True)) | books[key].figures() for key in sorted(books)]


def _slice(order: Order, *, by_day: bool) -> tuple[str, ...]:
    venue = order.show.venue
    if not by_day:
        return (str(venue.id), venue.currency)
    day = order.sold_at.astimezone(venue.zone).date().isoformat()
    return (str(venue.id), venue.currency, order.channel, day)


def _capacity(season: Season) -> Iterable[dict[str, Any]]:
    sold: Counter[str] = Counter()
    for order in season.orders:
        sold[str(order.show.id)] += order.ticket_count
    for refund in season.refunds:
        sold[str(refund.order.show.id)] -= sum(line.quantity for line in refund.lines)
    for show in season.shows:
        total = sum(kind.capacity for kind in show.ticket_types)
        held = sum(kind.held for kind in show.ticket_types)
        yield {
            "event_id": str(show.id),
            "venue_id": str(show.venue.id),
            "total_count": total,
            "held_count": held,
            "sold_count": sold[str(show.id)],
            "available_count": total - held - sold[str(show.id)],
        }


def _funnel(season: Season) -> dict[str, int]:
    depths = Counter(visit.depth for visit in season.visits)
    reached = {step: sum(count for depth, count in depths.items() if depth >= step) for step in (1, 2, 3, 4)}
    sessions = {visit.session_id for visit in season.visits}
    return {
        "home": reached[1],
        "show_page": reached[2],
        "cart": reached[3],
        "checkout": reached[4],
        "order": sum(order.session_id in sessions for order in season.orders),
    }
