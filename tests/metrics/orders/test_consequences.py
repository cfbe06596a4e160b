"""What orders leave behind for others: facts of days, and the sessions that ordered."""

from collections import Counter
from uuid import UUID, uuid4

import pytest

from libs.common.context import TenantScope
from services.metrics.orders import recording
from tests.metrics.platform import oracle, oracle_sales
from tests.metrics.platform.year import year
from tests.metrics.read_models.test_read_models import deliver
from tests.platform import events as make
from tests.platform.events import NOON

SESSIONS = """
select order_id, venue_id, session_id, sold_at, event_ids from order_sessions where tenant_id = $1
"""


async def sessions(as_admin, tenant):
    return {row["order_id"]: tuple(row)[1:] for row in await as_admin.fetch(SESSIONS, tenant)}


@pytest.mark.parametrize("seed", [1, 2])
async def test_facts_of_days_add_up_to_the_books_however_events_arrive(database, handler, seed):
    made = year(seed, orders=60)
    arrivals = made.arrivals(seed)
    tenant = made.tenant_id
    await deliver(handler, [make.venue_updated(tenant, venue) for venue in made.venues])
    figures = Counter()

    for start in range(0, len(arrivals), 7):
        async with database.transaction(TenantScope(tenant)) as conn:
            changes = await recording.record(conn, tenant, arrivals[start : start + 7])
        for fact in changes.daily:
            for name, number in fact.figures.items():
                figures[fact.venue_id, fact.event_id, fact.at, fact.currency, name] += number

    expected, seen = Counter(), set()
    for line in oracle_sales.lines(made.log):
        quarter = line.sold_at.replace(minute=line.sold_at.minute // 15 * 15, second=0, microsecond=0)
        place = (line.venue, line.show, quarter, line.currency)
        if line.tickets:
            expected[*place, "order_count"] += line.order not in seen
            expected[*place, "event_order_count"] += (line.order, line.show) not in seen
            seen |= {line.order, (line.order, line.show)}
        expected[*place, "ticket_count"] += line.tickets
        expected[*place, "refunded_ticket_count"] += line.returned
        expected[*place, "gross_minor"] += line.gross
        expected[*place, "refund_minor"] += line.refund
        expected[*place, "fee_minor"] += line.fee
    assert {key: number for key, number in figures.items() if number} == {
        key: number for key, number in expected.items() if number
    }


async def test_saying_the_same_again_is_no_fact_of_a_day(database, handler):
    made = year(3, orders=20)
    await deliver(handler, made.arrivals(1))

    async with database.transaction(TenantScope(made.tenant_id)) as conn:
        changes = await recording.record(conn, made.tenant_id, made.log)

    assert changes.daily == []


async def test_a_refund_tells_the_day_of_its_sale_and_when_it_came(database, handler):
    tenant, venue, order = uuid4(), uuid4(), uuid4()
    await deliver(handler, [make.order_completed(tenant, venue, order)])
    later = NOON.replace(month=5)
    refund = make.order_refunded(tenant, venue, order, amount=300, at=later)

    async with database.transaction(TenantScope(tenant)) as conn:
        (fact,) = (await recording.record(conn, tenant, [refund])).daily

    assert (fact.venue_id, fact.event_id, fact.at, fact.currency) == (venue, None, NOON, "EUR")
    assert fact.figures == {"refund_minor": 300}
    assert fact.newest_fact_at == later


@pytest.mark.parametrize("seed", [4, 5])
async def test_the_sessions_of_standing_orders_are_kept(handler, as_admin, seed):
    made = year(seed, orders=80)

    await deliver(handler, made.arrivals(seed), seed)
    await deliver(handler, made.arrivals(seed + 1), seed)

    shows = {}
    for line in oracle_sales.lines(made.log):
        if line.tickets:
            shows.setdefault(line.order, set()).add(line.show)
    lines = {line.order: line for line in oracle_sales.lines(made.log)}
    expected = {
        UUID(order): (
            lines[order].venue,
            sale.order_completed.session_id,
            lines[order].sold_at,
            sorted(shows[order] - {None}),
        )
        for sale, _ in oracle.standing(made.log)
        if sale.order_completed.session_id
        for order in [sale.order_completed.order_id]
    }
    assert len(expected) > 10
    assert await sessions(as_admin, made.tenant_id) == expected


async def test_a_session_leaves_with_its_order_and_moves_with_its_sale(handler, as_admin):
    tenant, venue, kept, voided, corrected = (uuid4() for _ in range(5))
    moved = NOON.replace(hour=15)
    for order in (kept, voided, corrected):
        await deliver(handler, [make.order_completed(tenant, venue, order, session_id="s")])
    await deliver(
        handler,
        [
            make.order_completed(tenant, venue, kept, session_id="other", at=moved, version=1),
            make.order_cancelled(tenant, venue, voided),
            make.order_completed(tenant, venue, corrected, version=1),
        ],
    )

    assert await sessions(as_admin, tenant) == {kept: (venue, "other", moved, [])}


async def test_a_foreign_tenant_and_another_grant_see_no_session(database, handler):
    tenant, venue = uuid4(), uuid4()
    await deliver(handler, [make.order_completed(tenant, venue, session_id="s")])

    async def seen(scope):
        async with database.transaction(scope) as conn:
            return await conn.fetchval("select count(*) from order_sessions")

    assert await seen(TenantScope(tenant)) == 1
    assert await seen(TenantScope(tenant, frozenset({uuid4()}))) == 0
    assert await seen(TenantScope(uuid4())) == 0
