"""Patrons keep to what is true of them, and no event tells it."""

import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from math import exp, sqrt
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import protovalidate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.simulator.events import built, timeline
from deploy.local.simulator.patrons.events import patron_timeline
from deploy.local.simulator.patrons.habits import CHANNELS, FOLLOWING, LAPSING, REGULARS, chance_to_buy
from deploy.local.simulator.patrons.lives import live
from deploy.local.simulator.patrons.playing import play
from deploy.local.simulator.patrons.profiles import FULL, QUIET, SMALL
from deploy.local.simulator.patrons.rhythm import Rhythm
from deploy.local.simulator.patrons.truth import PatronTruth
from deploy.local.simulator.season import play as play_season
from deploy.local.simulator.truth import truth_of
from deploy.local.simulator.world import SIZES, Ids
from tests.simulator.conftest import TENANT

ANCHOR = date(2026, 3, 30)


@pytest.fixture(scope="module")
def small():
    return play(Ids(TENANT, 7), SMALL, ANCHOR)


@pytest.fixture(scope="module")
def full():
    return play(Ids(TENANT, 7), FULL, ANCHOR)


@pytest.fixture(scope="module")
def events(small):
    return built(patron_timeline(small))


def test_the_same_seed_plays_the_same_house(small, events):
    again = play(Ids(TENANT, 7), SMALL, ANCHOR)

    assert built(patron_timeline(again)) == events
    assert PatronTruth(again).as_json() == PatronTruth(small).as_json()


def test_another_seed_or_tenant_shares_no_id(events):
    ids = {event.event_id for event in events}

    for other in (Ids(UUID(int=5), 7), Ids(TENANT, 8)):
        assert ids.isdisjoint(event.event_id for event in built(patron_timeline(play(other, SMALL, ANCHOR))))


def test_every_event_keeps_the_rules_of_the_contract_and_comes_in_order(small, events):
    validator = protovalidate.Validator()
    moments = [event.occurred_at.ToNanoseconds() for event in events]

    assert [event for event in events if validator.collect_violations(event)] == []
    assert len({event.event_id for event in events}) == len(events)
    assert moments == sorted(moments)
    assert events[0].type == "venue.updated"
    assert events[-1].occurred_at.ToDatetime(UTC) < small.until


def test_no_event_tells_the_truth(events):
    told = "".join(str(event) for event in events)

    assert not [habit.name for habit in FOLLOWING if habit.name in told]
    assert "effect" not in told


def test_a_house_adds_a_fifth_to_the_demo_at_most(events):
    season = timeline(play_season(Ids(TENANT, 7), SIZES["small"], ANCHOR))

    assert len(events) <= 0.2 * len(season)


def test_nobody_buys_before_they_join_or_after_they_left_or_a_seat_that_is_sold(full):
    truth, sold = PatronTruth(full), Counter()
    for order in full.season.orders:
        patron = truth.patrons[order.customer.id]
        assert patron.joined_at <= order.sold_at <= patron.customer.leaves_at
        assert order.show.on_sale_at <= order.sold_at < order.show.doors_at
        for line in order.lines:
            sold[line.ticket_type.id] += line.quantity
    kinds = [kind for show in full.season.shows for kind in show.ticket_types]
    assert all(sold[kind.id] <= kind.capacity - kind.held for kind in kinds)


def test_only_who_agreed_is_contacted_and_only_before_what_it_caused(full):
    assert all(touch.patron.has_consented for touch in full.touches)
    assert 0.65 < sum(patron.has_consented for patron in full.patrons) / len(full.patrons) < 0.75
    for order in full.season.orders:
        touch = full.causes.get(order.id)
        if touch is not None:
            assert touch.patron.customer.id == order.customer.id
            assert timedelta(0) <= order.sold_at - touch.at < timedelta(days=7)


def test_channels_cause_what_their_effect_says_and_those_without_none(full):
    truth = PatronTruth(full)
    met = Counter(
        touch.channel.name for touch in full.touches if not truth.is_lost(touch.patron.customer.id, touch.at)
    )

    for channel in CHANNELS:
        caused, expected = truth.caused_orders()[channel.name], met[channel.name] * channel.effect
        # Somebody may leave in the hours between a contact and its purchase, which makes them fewer.
        assert abs(caused - expected) <= 4 * sqrt(expected) + 0.02 * expected
    assert truth.effects == {channel.name: channel.effect for channel in CHANNELS}


def test_habits_are_as_frequent_as_stated(full):
    counts = Counter(patron.latent.habit for patron in full.patrons)

    for habit in FOLLOWING:
        error = sqrt(habit.share * (1 - habit.share) * len(full.patrons))
        assert abs(counts[habit] - habit.share * len(full.patrons)) < 4 * error


def test_chances_to_buy_come_true(full):
    """Of patrons with a similar chance about as many buy as the truth says, at several times of the house."""
    truth, groups = PatronTruth(full), defaultdict(list)
    for weeks in (13, 26, 39):
        at, until = (midnight(full, 7 * one) for one in (weeks, weeks - 13))
        for patron in full.patrons:
            if patron.joined_at < at:
                chance = truth.chance_to_buy(patron.customer.id, at, 91)
                groups[round(5 * chance)].append((chance, truth.has_bought(patron.customer.id, at, until)))

    assert len(groups) == 6
    for known in groups.values():
        expected = sum(chance for chance, _ in known)
        spread = sqrt(sum(chance * (1 - chance) for chance, _ in known))
        assert abs(sum(bought for _, bought in known) - expected) <= 4 * spread


def midnight(patronage, days_before):
    day = datetime.combine(ANCHOR - timedelta(days=days_before), datetime.min.time(), patronage.venue.zone)
    return day.astimezone(UTC)


def test_chances_are_those_of_many_lives():
    random, channels = Random(1), CHANNELS
    for habit in (REGULARS, LAPSING):
        expected, bought, spread = 0.0, 0, 0.0
        for _ in range(4000):
            life = live(random, habit, channels, joined=-200.0)
            latent = life.latent
            if latent.left is not None and latent.left <= -60:
                continue
            rate = latent.own_rate + latent.caused_rate
            chance = chance_to_buy(rate, habit.leaving_per_day, 60)
            expected += chance
            spread += chance * (1 - chance)
            bought += any(purchase.at > -60 for purchase in life.purchases)
        assert abs(bought - expected) <= 4 * sqrt(spread)


def test_a_chance_is_one_minus_silence_for_who_stays_and_nothing_for_who_never_buys():
    assert chance_to_buy(0.02, 0.0, 30) == pytest.approx(1 - exp(-0.6))
    assert chance_to_buy(0.0, 0.0, 30) == 0.0
    assert chance_to_buy(0.02, 0.01, 1e9) == pytest.approx(2 / 3)


@given(st.floats(-1000, 0), st.sampled_from(["Europe/Vienna", "America/New_York", "Asia/Kathmandu"]))
def test_busy_days_are_moments_and_back(busy_days, zone):
    rhythm = Rhythm(ZoneInfo(zone), ANCHOR)

    back = rhythm.busy_days(rhythm.moment(busy_days))

    # A whole second, or the hour of night that a change of the clock moves.
    assert back == pytest.approx(busy_days, abs=0.01)


def test_seven_busy_days_are_a_week_on_the_venues_clock():
    zone = ZoneInfo("Europe/Vienna")
    rhythm = Rhythm(zone, ANCHOR)

    weeks = [rhythm.moment(-7.0 * number).astimezone(zone) for number in range(60)]

    assert {(one.weekday(), one.hour, one.minute) for one in weeks} == {(0, 0, 0)}


def test_truth_is_json_and_adds_up(small):
    truth = json.loads(json.dumps(PatronTruth(small).as_json()))

    assert sum(habit["patrons"] for habit in truth["habits"]) == len(truth["patrons"]) == len(small.patrons)
    assert sum(habit["orders"] for habit in truth["habits"]) == len(small.season.orders)
    revenue = truth_of(small.season)["revenue"]
    assert sum(habit["gross_minor"] for habit in truth["habits"]) == revenue[0]["gross_minor"]
    assert sum(channel["contacts"] for channel in truth["channels"]) == len(small.touches)


def test_a_quiet_house_is_one_month_like_another():
    quiet = play(Ids(TENANT, 7), QUIET, ANCHOR)
    months = Counter((quiet.until - order.sold_at).days // 28 for order in quiet.season.orders)
    newcomers = Counter((quiet.until - patron.joined_at).days // 28 for patron in quiet.patrons)

    whole = [months[number] for number in range(18)]
    mean = sum(whole) / len(whole)
    joined = [newcomers[number] for number in range(18)]
    assert not quiet.touches
    # Poisson counts with a little of what purchases of one person share.
    assert all(abs(count - mean) < 5 * sqrt(mean) for count in whole)
    assert all(abs(count - 80) < 5 * sqrt(80) for count in joined)
