"""Random histories of a tenant's orders, tickets and people, and what they mean, counted naively."""

import random
from collections import defaultdict
from datetime import timedelta
from uuid import UUID

from tests.customers.people import shoppers
from tests.platform import events as make

CURRENCIES = ("EUR", "USD")


class History:
    """What the platform tells of one tenant; the same for the same seed."""

    def __init__(self, seed, *, orders=60):
        self.random = random.Random(seed)
        self.tenant = self.id()
        self.venues = [self.id() for _ in range(3)]
        self.people = [self.id() for _ in range(12)]
        self.shows = {venue: [self.id() for _ in range(3)] for venue in self.venues}
        self.events = [event for _ in range(orders) for event in self._order()]
        self.events += [event for person in self.people[:9] for event in self._person(person)]

    def id(self):
        return UUID(int=self.random.getrandbits(128), version=4)

    def arrivals(self, seed):
        """All events, some of them several times, in any order."""
        order = random.Random(seed)
        told = [*self.events, *order.sample(self.events, len(self.events) // 3)]
        order.shuffle(told)
        return told

    def _envelope(self, version=0):
        minutes = self.random.randrange(300 * 24 * 60)
        return {"at": make.NOON + timedelta(minutes=minutes), "version": version, "event_id": self.id()}

    def _order(self):
        order, venue = self.id(), self.random.choice(self.venues)
        types = [self.id(), None]
        currency = self.random.choice(CURRENCIES)
        for version in range(self.random.choice((1, 1, 1, 2, 3))):
            lines = [
                (self.random.randint(1, 4), self.random.choice((0, 1_000, 2_550)), kind)
                for kind in self.random.sample(types, self.random.randint(1, 2))
            ]
            sale = make.order_completed(
                self.tenant,
                venue,
                order,
                show=self.random.choice(self.shows[venue]),
                lines=lines,
                currency=currency,
                gross=self.random.choice((None, 1_999)),
                fees=self.random.choice((None, 150)),
                channel=self.random.choice(("web", "door")),
                session_id=self.random.choice(("", "s1")),
                **self._envelope(version),
            )
            yield shoppers.by(sale, self.random.choice(self.people)) if self.random.random() < 0.85 else sale
        yield from self._returns(order, venue, types, currency)
        yield from self._tickets(order, venue)

    def _returns(self, order, venue, types, currency):
        for _ in range(self.random.choice((0, 0, 1, 2))):
            refund = self.id()
            for version in range(self.random.choice((1, 2))):
                yield make.order_refunded(
                    self.tenant,
                    venue,
                    order,
                    refund_id=refund,
                    amount=self.random.choice((500, 1_999, 20_000)),
                    currency=self.random.choice((currency, currency, *CURRENCIES)),
                    fees=self.random.choice((None, 20)),
                    lines=[(self.random.randint(1, 3), kind) for kind in types if self.random.random() < 0.4],
                    **self._envelope(version),
                )
        if self.random.random() < 0.15:
            yield make.order_cancelled(self.tenant, venue, order, **self._envelope())

    def _tickets(self, order, venue):
        ticket, show = self.id(), self.random.choice(self.shows[venue])
        for result in self.random.sample(("admitted", "readmitted", "exited", "refused"), 2):
            scan = make.ticket_scanned(
                self.tenant, venue, ticket, show=show, order=order, result=result, **self._envelope()
            )
            yield shoppers.by(scan, self.random.choice(self.people)) if self.random.random() < 0.7 else scan
        if self.random.random() < 0.3:
            passed = make.ticket_transferred(self.tenant, venue, ticket, show=show, **self._envelope())
            shoppers.by(passed, self.random.choice(self.people), "from_customer_id")
            yield shoppers.by(passed, self.random.choice(self.people), "to_customer_id")

    def _person(self, person):
        known = {"name": "Ada Byron", "email": "ada@example.org", "tags": ["a", "b"], "country": "GB"}
        yield shoppers.registered(self.tenant, person, **known, **self._envelope(self.random.randint(0, 9)))
        for version in range(1, self.random.randint(1, 4)):
            known = {"name": f"Ada {version}", "marketing_consent": version % 2 == 0, "city": "London"}
            yield shoppers.updated(self.tenant, person, **known, **self._envelope(version))


def revision(event):
    version = 0 if event.type == "customer.registered" else event.version
    return version, moment(event), event.event_id


def moment(event):
    return shoppers.moment(event.occurred_at)


def newest(events, key):
    """The event with the greatest revision, by what it is about."""
    found = {}
    for event in sorted(events, key=revision):
        found[key(event)] = event
    return found


def of(events, *types):
    return [event for event in events if event.type in types]


def purchases(events):
    """Rows of purchases by (order, currency): recounted from all statements about each order."""
    cancelled = {event.entity_id for event in of(events, "order.cancelled")}
    sales = newest(of(events, "order.completed"), lambda event: event.entity_id)
    back = newest(of(events, "order.refunded"), lambda e: (e.entity_id, e.order_refunded.refund_id))
    rows = {}
    for order, event in sales.items():
        sale = event.order_completed
        if order in cancelled or not sale.customer_id:
            continue
        refunds = [one for (of_order, _), one in back.items() if of_order == order]
        latest = max(moment(one) for one in (event, *refunds))
        returned = defaultdict(lambda: [0, 0], {sale.currency: [0, 0]})
        for one in refunds:
            money = one.order_refunded.amount
            returned[money.currency][0] += money.amount_minor
            returned[money.currency][1] += one.order_refunded.fees.amount_minor
        tickets = sum(line.quantity for line in sale.lines)
        gone = tickets_back(sale, refunds)
        listed = sum(line.quantity * line.unit_price_minor for line in sale.lines)
        gross = sale.gross.amount_minor if sale.HasField("gross") else listed
        stands = returned[sale.currency][0] < gross if gross else gone < tickets
        common = {
            "venue_id": event.venue_id,
            "customer_id": sale.customer_id,
            "event_id": sale.event_id,
            "sold_at": moment(event),
            "channel": sale.channel,
            "session_id": sale.session_id or None,
            "newest_fact_at": latest,
        }
        for currency, (refund, fees) in returned.items():
            own = currency == sale.currency
            rows[order, currency] = common | {
                "order_count": int(own and stands),
                "ticket_count": tickets if own else 0,
                "refunded_ticket_count": gone if own else 0,
                "gross_minor": gross if own else 0,
                "refund_minor": refund,
                "fee_minor": (sale.fees.amount_minor if own else 0) - fees,
                "spend_minor": (gross if own else 0) - refund,
            }
    return rows


def tickets_back(sale, refunds):
    """Tickets that went back: of each type as many as the refunds say, and no more than were sold."""
    sold, asked = defaultdict(int), defaultdict(int)
    for line in sale.lines:
        sold[line.ticket_type_id] += line.quantity
    for refund in refunds:
        for line in refund.order_refunded.lines:
            asked[line.ticket_type_id] += line.quantity
    return sum(min(count, asked[kind]) for kind, count in sold.items())


def admissions(events):
    """The earliest admission of each ticket."""
    scans = [e for e in of(events, "ticket.scanned") if e.ticket_scanned.result in ("admitted", "readmitted")]
    first = {}
    for event in sorted(scans, key=lambda one: (moment(one), one.event_id), reverse=True):
        first[event.ticket_scanned.ticket_id] = {
            "venue_id": event.venue_id,
            "event_id": event.ticket_scanned.event_id,
            "order_id": event.ticket_scanned.order_id or None,
            "customer_id": event.ticket_scanned.customer_id or None,
            "admitted_at": moment(event),
        }
    return first


def seen(events):
    """First and last time that a person dealt with a venue, by (venue, person)."""
    times = defaultdict(list)
    for event in of(events, "order.completed"):
        times[event.venue_id, event.order_completed.customer_id].append(moment(event))
    for event in of(events, "ticket.transferred"):
        for person in (event.ticket_transferred.from_customer_id, event.ticket_transferred.to_customer_id):
            times[event.venue_id, person].append(moment(event))
    for event in of(events, "ticket.scanned"):
        if event.ticket_scanned.result in ("admitted", "readmitted"):
            times[event.venue_id, event.ticket_scanned.customer_id].append(moment(event))
    return {pair: (min(at), max(at)) for pair, at in times.items() if pair[1]}


def profiles(events):
    """The newest profile of each person that any customer event describes."""
    told = newest(of(events, "customer.registered", "customer.updated"), lambda event: event.entity_id)
    return {person: getattr(one, one.WhichOneof("payload")).profile for person, one in told.items()}
