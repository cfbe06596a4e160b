"""Sales are exact in any buckets, dimensions and filters, however their events arrive."""

import random
from datetime import timedelta
from itertools import combinations, pairwise
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from libs.common.buckets import Window, bucket_edges
from libs.common.context import TenantScope
from services.metrics.sales.reader import Dimension, SalesFilter, SalesReader
from tests.metrics.platform import oracle_sales as oracle
from tests.metrics.platform.year import END, START, moment, year
from tests.metrics.read_models.test_read_models import ROLLUP_ERRORS, deliver
from tests.platform import events as make
from tests.platform.events import NOON

DIMENSIONS = [frozenset(some) for count in range(5) for some in combinations(Dimension, count)]


def keyed(rows):
    """Rows as the oracle has them; rows that only voided orders left are not told."""
    return {
        (row.place, row.venue_id, row.event_id, row.channel, row.ticket_type_id, row.currency): (
            row.order_count,
            row.ticket_count,
            row.refunded_ticket_count,
            row.gross_minor,
            row.refund_minor,
            row.fee_minor,
        )
        for row in rows
        if not row.is_empty
    }


def odd_edges(chance, count):
    return sorted({moment(chance) for _ in range(count + 1)})


@pytest.fixture
def reader(database):
    return SalesReader(database)


async def test_the_rollup_is_the_sum_of_the_lines_at_any_moment(handler, as_admin):
    made = year(7)
    arrivals = made.arrivals(3)

    for start in range(0, len(arrivals), 100):
        await deliver(handler, arrivals[start : start + 100], start)

        assert await as_admin.fetch(ROLLUP_ERRORS, made.tenant_id) == []


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
async def test_every_clock_cuts_exactly(reader, sold, zone):
    made, lines = sold
    scope, clock = TenantScope(made.tenant_id), ZoneInfo(zone)

    for unit, window in [
        ("month", Window(START, END)),
        ("week", Window(START, END)),
        ("day", Window(START, END)),
        ("hour", Window(START + timedelta(days=60), START + timedelta(days=100))),
        ("hour", Window(START + timedelta(days=290), START + timedelta(days=310))),
    ]:
        edges = bucket_edges(window, unit, clock)

        assert keyed(await reader.rows(scope, edges)) == oracle.cut(lines, edges)


@pytest.mark.parametrize("by", DIMENSIONS, ids=lambda by: "+".join(sorted(by)) or "none")
async def test_every_combination_of_dimensions_is_exact(reader, sold, by):
    made, lines = sold
    chance = random.Random(11)

    for count in (1, 3, 40):
        edges = odd_edges(chance, count)

        assert keyed(await reader.rows(TenantScope(made.tenant_id), edges, by=by)) == oracle.cut(
            lines, edges, by
        )


@pytest.mark.parametrize("by", DIMENSIONS, ids=lambda by: "+".join(sorted(by)) or "none")
async def test_filters_count_each_order_once(reader, sold, by):
    made, lines = sold
    scope, chance = TenantScope(made.tenant_id), random.Random(13)

    for _ in range(8):
        edges = odd_edges(chance, 4)
        shows = tuple(chance.sample(list(made.shows), chance.randint(0, 3)))
        kinds = tuple(chance.sample(list(made.types), chance.choice([0, 0, 1, 3])))
        channels = tuple(chance.sample(["web", "mobile"], chance.choice([0, 1])))
        venues = tuple(chance.sample(made.venues, chance.choice([0, 1])))
        currencies = tuple(chance.sample(["EUR", "CHF"], chance.choice([0, 0, 2])))
        where = SalesFilter(venues, shows * 2, channels, kinds, currencies)
        own = [
            line
            for line in lines
            if (not venues or line.venue in venues)
            and (not shows or line.show in shows)
            and (not channels or line.channel in channels)
            and (not kinds or line.ticket_type in kinds)
            and (not currencies or line.currency in currencies)
        ]

        assert keyed(await reader.rows(scope, edges, where=where, by=by)) == oracle.cut(own, edges, by)


async def test_an_order_of_two_shows_counts_once_and_once_for_each(reader, handler):
    tenant, venue, first, second = (uuid4() for _ in range(4))
    scope, edges = TenantScope(tenant), [NOON, NOON + timedelta(hours=1)]
    sale = make.order_completed(tenant, venue, lines=[(1, 100, None, first), (1, 100, None, second)])
    await deliver(handler, [sale])

    async def orders(by=frozenset(), **where):
        return [row.order_count for row in await reader.rows(scope, edges, where=SalesFilter(**where), by=by)]

    assert await orders() == [1]
    assert await orders(event_ids=(first,)) == [1]
    assert await orders(event_ids=(first, second)) == [1]
    assert await orders(by=frozenset({Dimension.EVENT})) == [1, 1]


async def test_two_thousand_small_buckets_are_exact(reader, sold):
    made, lines = sold
    start = START + timedelta(days=80, minutes=7, seconds=1)
    edges = [start + timedelta(minutes=23) * number for number in range(2001)]

    assert keyed(await reader.rows(TenantScope(made.tenant_id), edges)) == oracle.cut(lines, edges)


async def test_parts_of_a_window_add_up_to_it(reader, sold):
    made, _ = sold
    edges = odd_edges(random.Random(5), 30)
    scope = TenantScope(made.tenant_id)

    parts = await reader.rows(scope, edges)
    whole = await reader.rows(scope, [edges[0], edges[-1]])

    for row in whole:
        own = [part for part in parts if part.currency == row.currency]
        assert sum(part.order_count for part in own) == row.order_count
        assert sum(part.net_minor for part in own) == row.net_minor
        assert max(part.newest_fact_at for part in own) == row.newest_fact_at
    assert all(left < right for left, right in pairwise(edges))


async def test_a_venue_grant_and_a_foreign_tenant_see_their_own(reader, sold):
    made, lines = sold
    granted = made.venues[0]
    by = frozenset({Dimension.EVENT})

    of_grant = await reader.rows(TenantScope(made.tenant_id, frozenset({granted})), [START, END], by=by)
    several = SalesFilter(event_ids=tuple(made.shows))
    filtered = await reader.rows(
        TenantScope(made.tenant_id, frozenset({granted})), [START, END], where=several
    )
    foreign = await reader.rows(TenantScope(UUID(int=9)), [START, END], where=several, by=by)

    own = [line for line in lines if line.venue == granted]
    assert keyed(of_grant) == oracle.cut(own, [START, END], by)
    assert keyed(filtered) == oracle.cut([line for line in own if line.show is not None], [START, END])
    assert foreign == []


async def test_no_edges_are_no_buckets(reader):
    assert await reader.rows(TenantScope(uuid4()), [NOON]) == []
