"""Admissions over any buckets equal a count over the log."""

import random
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from libs.common.buckets import Window, bucket_edges
from libs.common.context import TenantScope
from services.metrics.tickets.reader import TicketReader
from tests.metrics.platform import oracle_tickets
from tests.metrics.platform.evening import evening
from tests.metrics.read_models.test_read_models import deliver
from tests.platform import events as make
from tests.platform.events import NOON


@pytest.fixture
def reader(database):
    return TicketReader(database)


def naive(log, edges, *, venues=(), shows=(), by_event=False):
    counts = Counter()
    for ticket in oracle_tickets.tickets(log).values():
        if ticket.admitted_at is None:
            continue
        if (venues and UUID(ticket.venue) not in venues) or (shows and UUID(ticket.show) not in shows):
            continue
        for place, (start, end) in enumerate(pairwise(edges)):
            if start <= ticket.admitted_at < end:
                counts[place, UUID(ticket.show) if by_event else None] += 1
    return counts


@pytest.mark.parametrize("seed", [21, 22])
async def test_buckets_are_exact_wherever_their_edges_lie(handler, reader, seed):
    made = evening(seed)
    await deliver(handler, made.arrivals(seed), seed)
    scope, chance = TenantScope(made.tenant_id), random.Random(seed)
    venue, show = made.venues[0], next(iter(made.shows))

    for _ in range(8):
        edges = sorted(
            NOON + timedelta(minutes=chance.uniform(-2_000, 2_000), microseconds=chance.randrange(10**6))
            if chance.random() < 0.3
            else NOON + timedelta(minutes=chance.uniform(-10, 90))
            for _ in range(chance.randint(2, 9))
        )
        for chosen in ({}, {"venues": [venue]}, {"shows": [show]}, {"venues": [venue], "by_event": True}):
            rows = await reader.admissions(
                scope,
                edges,
                venue_ids=chosen.get("venues", ()),
                event_ids=chosen.get("shows", ()),
                by_event=chosen.get("by_event", False),
            )
            assert {(row.place, row.event_id): row.admitted_count for row in rows} == naive(
                made.log, edges, **chosen
            )


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Europe/Berlin", (2026, 3, 29)), ("America/New_York", (2026, 3, 8)), ("Asia/Kathmandu", (2026, 3, 29))],
)
async def test_local_days_and_hours_cut_the_night_of_the_turned_clock(handler, reader, zone, day):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    clock = ZoneInfo(zone)
    midnight = NOON.replace(year=day[0], month=day[1], day=day[2], hour=0, tzinfo=clock)
    window = Window(midnight, midnight + timedelta(days=2))
    scans = [
        make.ticket_scanned(tenant, venue, show=show, at=midnight + timedelta(minutes=17 * number))
        for number in range(-20, 190)
    ]
    await deliver(handler, scans)

    for granularity in ("hour", "day"):
        edges = bucket_edges(window, granularity, clock)
        rows = await reader.admissions(TenantScope(tenant), edges, by_event=True)
        assert {(row.place, row.event_id): row.admitted_count for row in rows} == naive(
            scans, edges, by_event=True
        )


async def test_shows_have_their_tickets_and_the_newest_fact(handler, reader, database):
    made = evening(23)
    await deliver(handler, made.arrivals(1))
    scope, known = TenantScope(made.tenant_id), oracle_tickets.tickets(made.log)

    async with database.transaction(scope) as conn:
        by_show = await reader.by_show_in(conn, made.tenant_id, [*made.shows, uuid4()])

    assert by_show.keys() == made.shows.keys()
    for show, figures in by_show.items():
        of_show = [ticket for ticket in known.values() if ticket.show == str(show)]
        assert figures.admitted_count == sum(ticket.admitted_at is not None for ticket in of_show)
        assert figures.transferred_count == sum(ticket.transferred_at is not None for ticket in of_show)
        newest = max(
            oracle_tickets.moment(event)
            for event in made.log
            if event.type.startswith("ticket.")
            and event.type != "ticket_type.updated"
            and getattr(event, event.WhichOneof("payload")).event_id == str(show)
            and getattr(getattr(event, event.WhichOneof("payload")), "result", "") != "refused"
        )
        assert figures.newest_fact_at == newest


async def test_a_grant_and_another_tenant_limit_what_is_counted(handler, reader):
    made = evening(24)
    await deliver(handler, made.arrivals(1))
    edges, granted = [NOON, NOON + timedelta(days=1)], made.venues[0]

    whole = await reader.admissions(TenantScope(made.tenant_id), edges)
    part = await reader.admissions(TenantScope(made.tenant_id, frozenset({granted})), edges)
    foreign = await reader.admissions(TenantScope(uuid4()), edges)

    assert {(row.place, row.event_id): row.admitted_count for row in part} == naive(
        made.log, edges, venues=[granted]
    )
    assert part[0].admitted_count < whole[0].admitted_count
    assert foreign == []
