"""Tickets sold by instants that differ from show to show, beside a naive count of the lines."""

import random
from datetime import timedelta
from uuid import uuid4

from libs.common.context import TenantScope
from services.metrics.sales.until import SoldUntil, sold_until
from tests.metrics.platform.year import END, START, moment
from tests.metrics.read_models.test_read_models import deliver
from tests.platform import events as make
from tests.platform.events import NOON

DAY = timedelta(days=1)


async def ask(database, scope, questions):
    async with database.transaction(scope) as conn:
        return await sold_until(conn, scope.tenant_id, [SoldUntil(*each) for each in questions])


async def test_every_instant_of_every_show(database, sold):
    made, lines = sold
    chance = random.Random(7)
    own = [line for line in lines if line.show is not None]
    moments = [line.sold_at + chance.choice([-1, 0, 1]) * timedelta(microseconds=1) for line in own]
    moments += [moment(chance) for _ in range(200)] + [START, END, START + 90 * DAY]
    questions = [(show, at) for show in made.shows for at in chance.sample(moments, 150)]
    chance.shuffle(questions)

    found = await ask(database, TenantScope(made.tenant_id), questions)

    assert found == [
        sum(line.tickets - line.returned for line in own if line.show == show and line.sold_at < until)
        for show, until in questions
    ]


async def test_another_tenant_and_another_venues_grant_see_nothing(database, sold):
    made, _ = sold
    first = next(iter(made.shows))
    other = next(venue for venue in made.venues if venue != made.shows[first])

    assert await ask(database, TenantScope(uuid4()), [(first, END)]) == [0]
    assert await ask(database, TenantScope(made.tenant_id, frozenset({other})), [(first, END)]) == [0]
    assert await ask(database, TenantScope(made.tenant_id), []) == []


async def test_tickets_without_a_show_count_for_the_show_of_their_type(database, handler):
    tenant, venue, show, other, stalls, box = (uuid4() for _ in range(6))
    at = NOON + timedelta(minutes=7)
    await deliver(
        handler,
        [
            make.ticket_type_updated(tenant, venue, show, stalls),
            make.ticket_type_updated(tenant, venue, other, box),
            make.order_completed(tenant, venue, lines=[(2, 100, stalls), (4, 100, box)], at=at - DAY),
            make.order_completed(tenant, venue, lines=[(3, 100, stalls)], at=at - timedelta(minutes=30)),
            make.order_completed(tenant, venue, lines=[(5, 100, stalls)], at=at),
            make.order_completed(tenant, venue, lines=[(7, 100, None, show)], at=at),
        ],
    )

    moments = [at - DAY, at, at + timedelta(microseconds=1), at + 2 * DAY]
    found = await ask(database, TenantScope(tenant), [(show, until) for until in moments])

    assert found == [0, 5, 17, 17]
