"""Somebody of whom much is known, and others beside them; and what can be asked about all."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from tickettoken.events.v1 import behavior_pb2, customers_pb2

from tests.platform import events as make

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def naming(event, **people):
    """The event, with people in fields of its payload."""
    payload = getattr(event, event.WhichOneof("payload"))
    for name, person in people.items():
        setattr(payload, name, str(person))
    return event


@dataclass
class Person:
    """Words that must not be found any more are as unlikely as ids."""

    customer_id: UUID = field(default_factory=uuid4)
    mark: str = field(default_factory=lambda: uuid4().hex[:12])

    @property
    def name(self):
        return f"Quirina{self.mark} Vandersteen{self.mark}"

    @property
    def email(self):
        return f"quirina.{self.mark}@example.com"

    @property
    def phone(self):
        return "+47" + str(int(self.mark, 16))[:10]

    @property
    def needles(self):
        """What identifies them, also in pieces."""
        return [
            str(self.customer_id),
            self.customer_id.hex,
            f"quirina{self.mark}",
            f"vandersteen{self.mark}",
            self.email,
            self.phone,
        ]

    def registered(self, tenant, **envelope):
        profile = customers_pb2.CustomerProfile(
            name=self.name,
            email=self.email,
            phone=self.phone,
            city="Bergen",
            country="NO",
            marketing_consent=True,
            channel="web",
            tags=["patron"],
        )
        profile.registered_at.FromDatetime(NOW - timedelta(days=100))
        state = customers_pb2.CustomerRegistered(customer_id=str(self.customer_id), profile=profile)
        envelope.setdefault("at", NOW - timedelta(days=100))
        return make.event(tenant, None, self.customer_id, customer_registered=state, **envelope)


@dataclass
class World:
    """A tenant with a venue, a show, the person and somebody else."""

    tenant: UUID = field(default_factory=uuid4)
    venue: UUID = field(default_factory=uuid4)
    show: UUID = field(default_factory=uuid4)
    person: Person = field(default_factory=Person)
    other: Person = field(default_factory=Person)

    def order(self, person, *, order_id=None, days=10, session="", gross=None):
        event = make.order_completed(
            self.tenant,
            self.venue,
            order_id,
            lines=[(2, 2_500, None, self.show)],
            gross=gross,
            show=self.show,
            session_id=session,
            at=NOW - timedelta(days=days),
        )
        return naming(event, customer_id=person.customer_id)

    def events(self):
        """Facts of every kind that names people, most of them about the person."""
        tenant, venue, show = self.tenant, self.venue, self.show
        me, you = self.person.customer_id, self.other.customer_id
        orders = [self.order(self.person, days=days, session=f"s{days}-{show}") for days in (90, 40, 10)]
        ticket, at = uuid4(), NOW - timedelta(days=3)
        first = UUID(orders[0].order_completed.order_id)
        return [
            make.venue_updated(tenant, venue, at=NOW - timedelta(days=200)),
            make.event_created(
                tenant,
                venue,
                show,
                capacity=500,
                starts_at=NOW - timedelta(days=3),
                at=NOW - timedelta(days=150),
            ),
            self.person.registered(tenant),
            self.other.registered(tenant),
            *orders,
            self.order(self.other, days=20),
            make.order_refunded(
                tenant, venue, first, amount=1_000, lines=[(1, None, show)], at=NOW - timedelta(days=80)
            ),
            naming(make.ticket_scanned(tenant, venue, ticket, show=show, order=first, at=at), customer_id=me),
            naming(
                make.ticket_transferred(tenant, venue, uuid4(), show=show, at=at),
                from_customer_id=me,
                to_customer_id=you,
            ),
            naming(
                make.ticket_transferred(tenant, venue, uuid4(), show=show, at=at),
                from_customer_id=you,
                to_customer_id=me,
            ),
            naming(make.ticket_listed(tenant, venue, show=show, at=at), seller_customer_id=me),
            naming(
                make.ticket_resold(tenant, venue, show=show, at=at),
                seller_customer_id=you,
                buyer_customer_id=me,
            ),
            *self.visit(me),
            self.touchpoint(me),
        ]

    def visit(self, customer_id, *, session=None, at=NOW - timedelta(hours=30)):
        session = session or f"visit-{uuid4()}"
        tenant, venue, show = self.tenant, self.venue, self.show
        steps = [
            make.page_viewed(tenant, venue, session, page="/events", show=show, at=at),
            make.cart_updated(tenant, venue, session, shows=[show], at=at + timedelta(minutes=1)),
            make.checkout_started(tenant, venue, session, show=show, at=at + timedelta(minutes=2)),
        ]
        return [naming(step, customer_id=customer_id) for step in steps]

    def touchpoint(self, customer_id, *, at=NOW - timedelta(days=11)):
        stated = behavior_pb2.CampaignTouchpoint(
            campaign_id=str(uuid4()), channel="email", kind="click", customer_id=str(customer_id)
        )
        stated.metadata.update({"greeting": f"Dear {self.person.name}"})
        return make.event(self.tenant, self.venue, uuid4(), campaign_touchpoint=stated, at=at)
