"""What others take from the secondary market: readers, days, live figures and materialized days."""

from collections import Counter, defaultdict
from datetime import UTC, timedelta
from statistics import median
from uuid import UUID, uuid4

import pytest

from libs.common.buckets import Window
from libs.common.bus.port import Delivery, Verdict
from libs.common.context import TenantScope
from libs.common.postgres.maintenance import refresh
from services.metrics.marketplace.reader import MarketplaceReader
from services.metrics.marketplace.recording import TICKETS_LISTED, TICKETS_RESOLD, record
from tests.metrics.marketplace.conftest import market
from tests.metrics.read_models.test_read_models import deliver
from tests.platform import events as make
from tests.platform.events import NOON


@pytest.fixture
def reader():
    return MarketplaceReader()


def moment(event):
    return event.occurred_at.ToDatetime(tzinfo=UTC)


def resales(made):
    return [event for event in made.log if event.type == "ticket.resold"]


async def test_resales_by_show_tell_count_and_median_ratio(handler, database, reader):
    made = market(21)
    await deliver(handler, made.arrivals(21))
    other = uuid4()

    async with database.transaction(TenantScope(made.tenant_id)) as conn:
        found = await reader.by_show_in(conn, made.tenant_id, [*made.shows, other])

    assert other not in found
    for show in made.shows:
        own = [event.ticket_resold for event in resales(made) if event.ticket_resold.event_id == str(show)]
        ratios = [
            one.price.amount_minor / one.face_value.amount_minor for one in own if one.face_value.amount_minor
        ]
        newest = max(moment(one) for one in resales(made) if one.ticket_resold.event_id == str(show))
        assert (found[show].resale_count, found[show].newest_fact_at) == (len(own), newest)
        assert found[show].median_price_ratio == pytest.approx(median(ratios), rel=1e-12)


@pytest.mark.parametrize("apart", ["nothing", "venues", "shows", "venues and shows"])
@pytest.mark.parametrize("asked", ["all", "venue", "show", "venue and show"])
async def test_ratios_of_a_window_are_medians_of_its_resales(handler, database, reader, asked, apart):
    made = market(22)
    await deliver(handler, made.arrivals(22))
    show, venue = next(iter(made.shows.items()))
    window = Window(NOON + timedelta(hours=5, microseconds=1), NOON + timedelta(hours=100))

    async with database.transaction(TenantScope(made.tenant_id)) as conn:
        rows = await reader.ratios_in(
            conn,
            made.tenant_id,
            window,
            venue_ids=[venue] if "venue" in asked else [],
            event_ids=[show] if "show" in asked else [],
            by_venue="venues" in apart,
            by_event="shows" in apart,
            limit=1000,
        )

    expected = defaultdict(list)
    for event in resales(made):
        sale = event.ticket_resold
        at_venue = "venue" not in asked or event.venue_id == str(venue)
        of_show = "show" not in asked or sale.event_id == str(show)
        if at_venue and of_show and moment(event) in window:
            key = (
                UUID(event.venue_id) if "venues" in apart else None,
                UUID(sale.event_id) if "shows" in apart else None,
            )
            expected[key].append((sale.price.amount_minor, sale.face_value.amount_minor, moment(event)))
    assert {(row.venue_id, row.event_id) for row in rows} == expected.keys()
    for row in rows:
        own = expected[row.venue_id, row.event_id]
        ratios = [price / face for price, face, _ in own if face]
        assert (row.resale_count, row.ratio_count) == (len(own), len(ratios))
        assert row.median_price_ratio == (pytest.approx(median(ratios), rel=1e-12) if ratios else None)
        assert row.newest_fact_at == max(at for *_, at in own)


async def test_days_are_told_once_however_events_arrive(database, venues):
    made = market(23, listings=40)
    scope, told, live = TenantScope(made.tenant_id), Counter(), Counter()
    arrivals = made.arrivals(23)

    for begin in range(0, len(arrivals), 7):
        async with database.transaction(scope) as conn:
            await venues.register(conn, scope, made.venues)
            changes = await record(conn, made.tenant_id, arrivals[begin : begin + 7])
        for fact in changes.daily:
            for name, value in fact.figures.items():
                told[name, fact.venue_id, fact.event_id, fact.at, fact.currency] += value
        for value in changes.live:
            live[value.key.metric_type] += value.value

    first_offers = first_offers_of(made.log)
    expected = Counter(_place(event, event.ticket_listed, "new_listing_count") for event in first_offers)
    for event in resales(made):
        sale = event.ticket_resold
        expected[_place(event, sale, "resale_count")] += 1
        expected[_place(event, sale, "resale_minor")] += sale.price.amount_minor
        expected[_place(event, sale, "royalty_minor")] += sale.royalty.amount_minor
    assert told == expected  # counters are equal where one lacks what the other has as 0
    assert live == {TICKETS_LISTED: len(first_offers), TICKETS_RESOLD: len(resales(made))}


def first_offers_of(log):
    offers = [one for one in log if one.type == "ticket.listed" and one.ticket_listed.status == "active"]
    newest_first = sorted(offers, key=moment, reverse=True)
    return {event.ticket_listed.listing_id: event for event in newest_first}.values()


def _place(event, payload, name):
    return name, UUID(event.venue_id), UUID(payload.event_id), moment(event), payload.price.currency


async def test_an_earlier_offer_that_arrives_late_moves_the_listings_day(database, venues):
    tenant, venue, show, listing = (uuid4() for _ in range(4))
    scope = TenantScope(tenant)
    later = make.ticket_listed(tenant, venue, listing, show=show, version=1, at=NOON + timedelta(days=1))
    earlier = make.ticket_listed(tenant, venue, listing, show=show)

    told = []
    for event in (later, earlier, earlier):
        async with database.transaction(scope) as conn:
            await venues.register(conn, scope, [venue])
            changes = await record(conn, tenant, [event])
        told.append([(fact.at, fact.figures["new_listing_count"]) for fact in changes.daily])

    assert told == [[(NOON + timedelta(days=1), 1)], [(NOON + timedelta(days=1), -1), (NOON, 1)], []]


async def test_materialized_days_equal_the_facts_and_belong_to_their_tenant(
    handler, database, worker_database
):
    made = market(24)
    await deliver(handler, made.arrivals(24))

    await refresh(worker_database, "marketplace_activity_materialized")

    async with database.transaction(TenantScope(made.tenant_id)) as conn:
        days = await conn.fetch(_DAYS)
    async with database.transaction(TenantScope(made.tenant_id, frozenset(made.venues[:1]))) as conn:
        granted = await conn.fetch(_DAYS)
    async with database.transaction(TenantScope(uuid4())) as conn:
        foreign = await conn.fetch(_DAYS)
    counts, money = Counter(), Counter()
    for event in resales(made):
        sale = event.ticket_resold
        key = (event.venue_id, sale.event_id, sale.price.currency, moment(event).date())
        counts[key] += 1
        money[key] += sale.price.amount_minor
    sold = [row for row in days if row["resale_count"]]
    keys = [(str(row[0]), str(row[1]), *row[2:4]) for row in sold]
    assert dict(zip(keys, [row["resale_count"] for row in sold], strict=True)) == counts
    assert dict(zip(keys, [row["resale_minor"] for row in sold], strict=True)) == money
    assert {row["venue_id"] for row in granted} == set(made.venues[:1])
    assert foreign == []


_DAYS = """
select venue_id, event_id, currency, market_date, resale_count, resale_minor
  from reporting_views.marketplace_activity_materialized
"""


async def test_a_resale_that_breaks_the_contract_goes_to_the_dead_letters(handler):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    foreign = make.ticket_resold(tenant, venue, show=show, face_value=1)
    foreign.ticket_resold.face_value.currency = "USD"
    fine = make.ticket_resold(tenant, venue, show=show)

    settlements = await handler([Delivery(foreign, 1), Delivery(fine, 1)])

    assert [settlement.verdict for settlement in settlements] == [Verdict.DEAD, Verdict.DONE]
    assert "currency" in settlements[0].reason
