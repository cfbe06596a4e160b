"""Somebody whom a house knows well."""

from datetime import timedelta
from uuid import uuid4

import pytest

from libs.common.bus.port import Delivery
from libs.common.erasure.tombstones import Hiding, Tombstones
from services.customers.behavior.consumer import Behavior
from services.customers.behavior.store import BehaviorStore
from tests.customers.people.shoppers import NOW, bought, by, record, registered
from tests.customers.profile.asking import KNOWN
from tests.platform import events as make


@pytest.fixture
async def house(handler, database, mongo):
    """Somebody who is known well, at a venue and at another: tenant, venue, other venue, person."""
    tenant, venue, other, show, person = (uuid4() for _ in range(5))
    sold = NOW - timedelta(days=20)
    events = [
        make.venue_updated(tenant, venue, name="Hall"),
        make.event_created(tenant, venue, show, name="Premiere", genre="jazz", starts_at=NOW),
        registered(tenant, person, at=NOW - timedelta(days=90), registered_at=sold, **KNOWN),
        *(
            bought(tenant, venue, person, lines=[(2, 1_500)], show=show, at=sold + timedelta(days=n))
            for n in range(3)
        ),
        bought(tenant, venue, uuid4(), lines=[(1, 500)], channel="box_office", at=sold),
        bought(tenant, other, person, currency="USD", lines=[(1, 900)], at=NOW - timedelta(days=1)),
    ]
    await record(handler, events)
    behavior = Behavior(
        BehaviorStore(mongo, kept=timedelta(days=400)), Hiding(database, Tombstones(b"t" * 32))
    )
    viewed = by(make.page_viewed(tenant, venue, "s", page="/premiere", at=sold), person)
    await behavior.handler()([Delivery(viewed, 1)])
    return tenant, venue, other, person
