"""The simulated season keeps its own laws, and its truth is what its events add up to."""

from collections import Counter, defaultdict
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

import protovalidate
import pytest

from deploy.local.simulator.events import built, timeline
from deploy.local.simulator.facts import Listing, Resale
from deploy.local.simulator.season import play
from deploy.local.simulator.truth import truth_of
from deploy.local.simulator.world import SIZES, Ids

ANCHOR = date(2026, 3, 30)


@pytest.fixture(scope="session")
def events(season):
    return built(timeline(season))


@pytest.fixture(scope="session")
def truth(season):
    return truth_of(season)


def test_the_same_seed_plays_the_same_season(season, events):
    again = play(season.ids, SIZES["small"], ANCHOR)

    assert built(timeline(again)) == events


def test_another_seed_or_tenant_shares_no_id(season, events):
    ids = {event.event_id for event in events}
    other_tenant = built(timeline(play(Ids(UUID(int=5), 7), SIZES["small"], ANCHOR)))
    other_seed = built(timeline(play(Ids(season.ids.tenant_id, 8), SIZES["small"], ANCHOR)))

    assert ids.isdisjoint(event.event_id for event in other_tenant)
    assert ids.isdisjoint(event.event_id for event in other_seed)
    assert {event.venue_id for event in events}.isdisjoint(event.venue_id for event in other_tenant)


def test_every_event_keeps_the_rules_of_the_contract(events):
    validator = protovalidate.Validator()

    assert [event for event in events if validator.collect_violations(event)] == []
    assert len({event.event_id for event in events}) == len(events)


def test_events_come_in_order_and_from_before_the_anchor(events):
    moments = [event.occurred_at.ToNanoseconds() for event in events]

    assert moments == sorted(moments)
    assert events[-1].occurred_at.ToDatetime().date() < ANCHOR


def test_nobody_buys_before_the_on_sale_after_the_doors_or_a_held_seat(season, truth):
    for order in season.orders:
        assert order.show.on_sale_at <= order.sold_at <= order.show.doors_at
    sold = Counter()
    for order in season.orders:
        for line in order.lines:
            sold[line.ticket_type.id] += line.quantity
    kinds = [kind for show in season.shows for kind in show.ticket_types]
    assert all(sold[kind.id] <= kind.capacity - kind.held for kind in kinds)
    assert all(row["available_count"] >= 0 for row in truth["capacity"])


def test_a_refund_is_part_of_its_order_and_comes_after_it(season):
    partial = [one for one in season.refunds if one.amount_minor < one.order.gross_minor]

    assert all(one.refunded_at > one.order.sold_at for one in season.refunds)
    assert all(0 < one.amount_minor <= one.order.gross_minor for one in season.refunds)
    assert 0 < len(partial) < len(season.refunds)


def test_the_truth_is_what_the_events_add_up_to(events, truth):
    """A naive recomputation from the messages alone: refunds restate the local day of the sale."""
    zones = {venue["id"]: ZoneInfo(venue["time_zone"]) for venue in truth["venues"]}
    sales, books = {}, defaultdict(Counter)
    for event in events:
        if event.type == "order.completed":
            order = event.order_completed
            day = event.occurred_at.ToDatetime(ZoneInfo("UTC")).astimezone(zones[event.venue_id]).date()
            key = (event.venue_id, order.currency, order.channel, day.isoformat())
            sales[order.order_id] = key
            books[key]["order_count"] += 1
            books[key]["ticket_count"] += sum(line.quantity for line in order.lines)
            books[key]["gross_minor"] += sum(line.quantity * line.unit_price_minor for line in order.lines)
            books[key]["fees_minor"] += order.fees.amount_minor
    for event in events:
        if event.type == "order.refunded":
            key = sales[event.order_refunded.order_id]
            books[key]["refunds_minor"] += event.order_refunded.amount.amount_minor
            books[key]["fees_minor"] -= event.order_refunded.fees.amount_minor

    stated = {
        (row["venue_id"], row["currency"], row["channel"], row["day"]): row for row in truth["revenue_by_day"]
    }
    assert stated.keys() == books.keys()
    for key, sums in books.items():
        assert {name: stated[key][name] for name in sums} == dict(sums)
        net = sums["gross_minor"] - sums["refunds_minor"] - sums["fees_minor"]
        assert stated[key]["net_minor"] == net


def test_the_truth_by_venue_is_the_sum_of_its_days(truth):
    for row in truth["revenue"]:
        days = [day for day in truth["revenue_by_day"] if day["venue_id"] == row["venue_id"]]
        for name in (
            "order_count",
            "ticket_count",
            "gross_minor",
            "refunds_minor",
            "fees_minor",
            "net_minor",
        ):
            assert sum(day[name] for day in days) == row[name]


def test_sessions_narrow_from_step_to_step(truth):
    steps = [truth["funnel"][step] for step in ("home", "show_page", "cart", "checkout", "order")]

    assert steps == sorted(steps, reverse=True)
    assert steps[-1] > 0


def test_the_season_spans_zones_and_currencies(truth):
    assert {venue["currency"] for venue in truth["venues"]} == {"EUR", "USD", "NPR"}
    assert "Asia/Kathmandu" in {venue["time_zone"] for venue in truth["venues"]}
    assert truth["counts"]["orders"] > 2000


def test_tickets_are_offered_by_their_holders_before_the_doors_and_sold_once(season):
    offers = {
        fact.id: fact for fact in season.second_hands if isinstance(fact, Listing) and fact.version == 1
    }
    resales = [fact for fact in season.second_hands if isinstance(fact, Resale)]
    returned = {refund.order.id for refund in season.refunds}

    assert all(one.order.sold_at <= one.listed_at < one.order.show.doors_at for one in offers.values())
    assert len({one.ticket_id for one in resales}) == len(resales) > 0
    for one in resales:
        assert offers[one.listing_id].listed_at < one.resold_at < one.order.show.doors_at
        assert one.price_minor == offers[one.listing_id].price_minor
    assert not {one.order.id for one in season.second_hands} & returned


def test_the_dearer_an_offer_the_fewer_sell(season):
    offers = [fact for fact in season.second_hands if isinstance(fact, Listing) and fact.version == 1]
    sold = {fact.listing_id for fact in season.second_hands if isinstance(fact, Resale)}

    cheap = [one.id in sold for one in offers if one.price_minor <= one.ticket_type.price_minor]
    dear = [one.id in sold for one in offers if one.price_minor > 1.25 * one.ticket_type.price_minor]

    assert sum(cheap) / len(cheap) > sum(dear) / len(dear)
