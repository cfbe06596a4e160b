"""Where shows stand among past ones, counted by hand."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.context import TenantScope
from tests.metrics.performance.conftest import DAY
from tests.platform import events as make
from tests.platform.events import NOON


async def test_the_percentile_is_the_share_that_had_sold_less_by_then(season, told, paces):
    past = [season.past(number, sold) for number, sold in enumerate([10, 20, 30, 50, 60], start=1)]
    show = season.show(NOON + 10 * DAY, [(40, 20), (3, 5)])
    await told(season)

    found = (await paces.pacing(season.scope, show))[show]

    assert found.rank == (0.6, 0.3)
    assert (found.sell_through, found.days_before_doors) == (0.4, 10)
    assert [one.show.event_id for one in found.comparables] == past
    assert [one.sell_through for one in found.comparables] == [0.1, 0.2, 0.3, 0.5, 0.6]
    assert {one.final_sell_through for one in found.comparables} == {0.9}
    assert await paces.percentiles(season.scope, show, uuid4()) == {show: 0.6}


async def test_equal_shows_have_not_sold_less(season, told, paces):
    for number in range(1, 7):
        season.past(number, 80 if number == 6 else 40)
    even = season.show(NOON + 10 * DAY, [(40, 20)])
    thirds = season.show(NOON + 10 * DAY, [(48, 20)], capacity=120)
    await told(season)

    assert await paces.percentiles(season.scope, even, thirds) == {even: 0, thirds: 0}


async def test_four_comparables_are_listed_but_tell_no_percentile(season, told, paces):
    for number in range(1, 5):
        season.past(number, 10)
    show = season.show(NOON + 10 * DAY, [(40, 20)])
    await told(season)

    found = (await paces.pacing(season.scope, show))[show]

    assert (found.rank, len(found.comparables)) == ((None, None), 4)
    assert await paces.percentiles(season.scope, show) == {}


async def test_returned_tickets_are_taken_off_when_they_were_sold(season, told, paces):
    for number in range(1, 6):
        season.show(NOON - 7 * number * DAY, [(50, 15, 30)])
    show = season.show(NOON + 10 * DAY, [(40, 20, 25)])
    await told(season)

    found = (await paces.pacing(season.scope, show))[show]

    assert found.sell_through == 0.15
    assert [(one.sell_through, one.final_sell_through) for one in found.comparables] == [(0.2, 0.2)] * 5
    assert found.rank == (0, 0.2)


async def test_the_doors_count_and_where_none_are_told_the_start(season, told, paces):
    hour = timedelta(hours=1)
    for number in range(1, 6):
        doors = NOON - 7 * number * DAY
        season.show(doors, [(30, 10), (5, 0)], doors_at=doors, starts_at=doors + 2 * hour)
    with_doors = season.show(
        NOON + 12 * hour, [(20, 3)], doors_at=NOON + 10 * hour, starts_at=NOON + 12 * hour
    )
    without = season.show(NOON + 240 * hour + timedelta(microseconds=1), [(20, 20)])
    later = season.show(NOON + 240 * hour, [(20, 20)])
    await told(season)

    found = await paces.pacing(season.scope, with_doors, without, later)

    assert found[with_doors].days_before_doors == pytest.approx(10 / 24)
    assert {one.sell_through for one in found[with_doors].comparables} == {0.3}
    assert {one.sell_through for one in found[without].comparables} == {0}
    assert {one.sell_through for one in found[later].comparables} == {0}
    just_after = (await paces.pacing(season.scope, later, at=NOON + timedelta(microseconds=1)))[later]
    assert {one.sell_through for one in just_after.comparables} == {0.3}


async def test_what_shows_have_in_common_orders_them(season, told, paces):
    elsewhere = uuid4()
    season.log.append(make.venue_updated(season.tenant_id, elsewhere))
    monday = NOON - 6 * DAY
    all_five = season.past(9, 10)
    four = season.past(8, 10, genre="jazz")
    at_the_edge = season.past(7, 10, genre="jazz", price=2_500, capacity=125)
    later_three = season.past(5, 10, price=2_501, capacity=126)
    three = season.past(6, 10, price=1_499, capacity=74, final=60)
    two = season.show(monday, [(10, 15)], venue=elsewhere, genre="ROCK", capacity=400, price=1_500)
    season.show(monday, [(10, 15)], venue=elsewhere, genre="jazz", capacity=400)
    show = season.show(NOON + 14 * DAY, [(40, 20)])
    await told(season)

    found = (await paces.pacing(season.scope, show))[show].comparables

    alike = [(one.show.event_id, one.similarities) for one in found]
    assert alike == [
        (all_five, ("venue", "weekday", "genre", "price_band", "capacity")),
        (at_the_edge, ("venue", "weekday", "price_band", "capacity")),
        (four, ("venue", "weekday", "price_band", "capacity")),
        (later_three, ("venue", "weekday", "genre")),
        (three, ("venue", "weekday", "genre")),
        (two, ("genre", "price_band")),
    ]


async def test_prices_of_another_currency_and_untold_genres_are_not_in_common(season, told, paces):
    other, stalls = uuid4(), uuid4()
    season.log.append(make.venue_updated(season.tenant_id, other))
    doors = NOON - 7 * DAY
    dear = season.show(doors, [(10, 15)], genre="", capacity=None, on_sale_at=doors - 40 * DAY)
    season.log.append(
        make.ticket_type_updated(season.tenant_id, season.venue, dear, stalls, currency="USD", price=2_000)
    )
    show = season.show(NOON + 14 * DAY, [(40, 20)], genre="")
    await told(season)

    (one,) = (await paces.pacing(season.scope, show))[show].comparables

    assert one.similarities == ("venue", "weekday", "capacity")


async def test_weekdays_are_those_of_each_venues_own_clock(season, told, paces):
    kathmandu, new_york = uuid4(), uuid4()
    season.log.append(make.venue_updated(season.tenant_id, kathmandu, time_zone="Asia/Kathmandu"))
    season.log.append(make.venue_updated(season.tenant_id, new_york, time_zone="America/New_York"))
    monday_there = datetime(2026, 2, 8, 18, 15, tzinfo=UTC)
    tuesday_in_utc = datetime(2026, 2, 10, 4, 59, tzinfo=UTC)
    in_nepal = season.show(monday_there, [(10, 9)], venue=kathmandu, genre="jazz", capacity=400)
    season.show(monday_there - timedelta(seconds=1), [(10, 9)], venue=kathmandu, genre="jazz", capacity=400)
    in_new_york = season.show(tuesday_in_utc, [(10, 9)], venue=new_york, genre="jazz", capacity=400)
    show = season.show(datetime(2026, 3, 1, 23, 30, tzinfo=UTC), [(1, 9)])
    await told(season)

    found = (await paces.pacing(season.scope, show))[show]

    alike = [(one.show.event_id, one.similarities) for one in found.comparables]
    assert alike == [(in_new_york, ("weekday", "price_band")), (in_nepal, ("weekday", "price_band"))]


async def test_shows_that_cannot_be_compared_are_left_out(season, told, paces):
    cancelled = season.past(1, 10)
    season.log.append(make.event_cancelled(season.tenant_id, season.venue, cancelled, at=NOON))
    season.past(2, 10, capacity=None)
    season.past(3, 0, on_sale_at=NOON - 21 * DAY - 9 * DAY)
    season.show(NOON + DAY, [(10, 20)])
    on_sale_by_then = season.past(4, 0, on_sale_at=NOON - 28 * DAY - 10 * DAY)
    sold_before_its_on_sale = season.past(5, 1, on_sale_at=NOON - 35 * DAY - 2 * DAY)
    show = season.show(NOON + 10 * DAY, [(40, 20)])
    await told(season)

    found = (await paces.pacing(season.scope, show))[show]

    compared = [(one.show.event_id, one.sell_through) for one in found.comparables]
    assert compared == [(on_sale_by_then, 0), (sold_before_its_on_sale, 0.01)]


async def test_a_show_without_start_or_seats_or_one_cancelled_has_no_pace(season, told, paces):
    seatless = season.show(NOON + 10 * DAY, [(40, 20)], capacity=None)
    cancelled = season.show(NOON + 10 * DAY, [(40, 20)])
    season.log.append(make.event_cancelled(season.tenant_id, season.venue, cancelled))
    unknown = uuid4()
    season.sell(unknown, NOON - DAY, 5)
    await told(season)

    assert await paces.pacing(season.scope, seatless, cancelled, unknown) == {}


async def test_a_show_that_is_not_yet_on_sale_is_compared_with_none(season, told, paces):
    for number in range(1, 7):
        season.past(number, 10)
    later = season.show(NOON + 10 * DAY, on_sale_at=NOON + timedelta(seconds=1))
    now = season.show(NOON + 10 * DAY, on_sale_at=NOON)
    await told(season)

    found = await paces.pacing(season.scope, later, now)

    assert (found[later].rank, found[later].comparables) == ((None, None), ())
    assert (found[now].rank, len(found[now].comparables)) == ((0, 0.1), 6)


async def test_after_the_doors_only_shows_whose_sales_went_as_far_are_compared(season, told, paces):
    past = [season.past(number, 10) for number in range(1, 8)]
    await told(season)

    found = (await paces.pacing(season.scope, past[1]))[past[1]]

    assert found.days_before_doors == -14
    assert [one.show.event_id for one in found.comparables] == past[2:]
    assert found.rank == (0, 0.9)


async def test_the_pace_of_an_earlier_instant_looks_at_no_later_sale_or_show(season, told, paces):
    for number in range(1, 6):
        season.past(number, 10, horizon=24)
    after = season.past(0, 10, horizon=24)
    show = season.show(NOON + 10 * DAY, [(40, 15), (7, 2)])
    await told(season)

    then = (await paces.pacing(season.scope, show, at=NOON - timedelta(seconds=1)))[show]
    later = (await paces.pacing(season.scope, show, at=NOON + 9 * DAY))[show]

    assert (then.sell_through, len(then.comparables)) == (0.4, 5)
    assert (later.sell_through, len(later.comparables)) == (0.47, 6)
    assert after in [one.show.event_id for one in later.comparables]
    assert after not in [one.show.event_id for one in then.comparables]


async def test_at_most_twenty_are_compared_the_latest_first(season, told, paces):
    past = [season.past(number, number) for number in range(1, 26)]
    show = season.show(NOON + 10 * DAY, [(15, 20)])
    await told(season)

    found = (await paces.pacing(season.scope, show))[show]

    assert [one.show.event_id for one in found.comparables] == past[:20]
    assert found.rank == (14 / 20, pytest.approx(0.105))


async def test_shows_of_other_tenants_and_other_grants_are_not_compared(season, told, paces):
    other_venue = uuid4()
    season.log.append(make.venue_updated(season.tenant_id, other_venue))
    for number in range(1, 6):
        season.past(number, 10)
        season.past(number, 60, venue=other_venue)
    show = season.show(NOON + 10 * DAY, [(40, 20)])
    await told(season)
    narrow = TenantScope(season.tenant_id, frozenset({season.venue}))

    assert await paces.percentiles(season.scope, show) == {show: 0.5}
    assert await paces.percentiles(narrow, show) == {show: 1}
    assert await paces.percentiles(TenantScope(uuid4()), show) == {}
    assert await paces.percentiles(TenantScope(season.tenant_id, frozenset({other_venue})), show) == {}
