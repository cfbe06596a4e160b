"""Each generator on histories with and without the effect that it looks for."""

from collections import Counter
from dataclasses import replace
from statistics import median
from uuid import UUID

import numpy as np
import pytest
from scipy import stats

from services.customers.insights.facts import (
    DaySales,
    GoodSegments,
    ListPrice,
    RegularCustomer,
    TypeSales,
)
from services.customers.insights.generators import (
    channel_performance,
    cohort_retention,
    data_freshness,
    no_show_rise,
    pacing_behind,
    price_resistance,
    revenue_anomaly,
    segment_migration,
    vips_at_risk,
)
from services.customers.insights.generators.registry import find, fresh
from services.customers.insights.proportions import Group, compare
from services.customers.insights.tails import spread_of
from services.customers.insights.vocabulary import InsightType, Priority
from tests.customers.insights.quiet import (
    DAY,
    END,
    cohort,
    quiet_cohorts,
    quiet_days,
    quiet_doors,
    quiet_prices,
    quiet_regulars,
    quiet_shows,
    quiet_venue,
)


@pytest.fixture
def generator():
    return np.random.default_rng(11)


def found_types(facts):
    return {finding.candidate.type for finding in find(facts, fresh(facts)).findings}


def test_the_quiet_venue_of_these_tests_finds_nothing():
    assert found_types(quiet_venue(11)) == set()


def test_a_day_without_half_of_its_channels_is_an_anomaly(generator):
    days = [replace_net(day, 0.1 if day.day == END - 3 * DAY else 1.0) for day in quiet_days(generator)]
    facts = quiet_venue(11, days=days)

    [finding] = find(facts, fresh(facts)).findings

    candidate = finding.candidate
    total = Counter()
    for day in days:
        total[day.day] += day.net_minor
    usual = median(total[END - (3 + 7 * week) * DAY] for week in range(1, 9))
    assert (candidate.type, candidate.subject) == (InsightType.REVENUE_ANOMALY, "2026-02-27")
    assert candidate.evidence.value == total[END - 3 * DAY]
    assert candidate.evidence.comparison_value == pytest.approx(usual, rel=0.1)
    assert candidate.priority is Priority.HIGH
    assert candidate.evidence.window.start.isoformat() == "2026-02-26T23:00:00+00:00"


def replace_net(day, factor):
    return day._replace(net_minor=int(day.net_minor * factor))


def test_venues_with_little_history_or_few_days_of_sales_are_not_tested_for_anomalies(generator):
    days = quiet_days(generator)

    young = [day for day in days if day.day >= END - 100 * DAY]
    rare = [day for day in days if day.day.day % 5 == 0]

    assert revenue_anomaly.candidates(quiet_venue(1, days=young)) == []
    assert revenue_anomaly.candidates(quiet_venue(1, days=rare)) == []
    assert len(revenue_anomaly.candidates(quiet_venue(1, days=days))) == 7


def test_tails_are_as_heavy_as_those_that_were_drawn():
    generator = np.random.default_rng(3)

    heavy = spread_of(2 + 0.5 * generator.standard_t(3, size=4000))
    light = spread_of(2 + 0.5 * generator.standard_normal(4000))

    assert heavy.freedom == 3
    assert heavy.scale == pytest.approx(0.5, rel=0.06)
    assert light.freedom == 8
    assert heavy.p_value(3.5) == pytest.approx(2 * stats.t.sf(1.5 / heavy.scale, 3), rel=0.1)
    assert spread_of(np.ones(20)) is None


def test_a_channel_that_loses_a_third_of_its_share_is_named(generator):
    days = [
        day._replace(order_count=round(day.order_count * 0.6))
        if day.channel == "app" and day.day >= END - 28 * DAY
        else day
        for day in quiet_days(generator)
    ]
    facts = quiet_venue(11, days=days)

    findings = {
        finding.candidate.subject: finding.candidate
        for finding in find(facts, fresh(facts)).findings
        if finding.candidate.type is InsightType.CHANNEL_PERFORMANCE
    }

    evidence = findings["app"].evidence
    orders = Counter()
    for day in days:
        if day.day >= END - 112 * DAY:
            orders[day.channel == "app", day.day >= END - 28 * DAY] += day.order_count
    assert evidence.value == pytest.approx(orders[True, True] / (orders[True, True] + orders[False, True]))
    assert evidence.comparison_value == pytest.approx(
        orders[True, False] / (orders[True, False] + orders[False, False])
    )
    assert findings["app"].priority is Priority.HIGH


def test_a_venue_with_one_channel_has_no_shares_to_compare(generator):
    days = [day._replace(channel="web") for day in quiet_days(generator)]

    assert channel_performance.candidates(quiet_venue(1, days=days)) == []


def test_new_customers_who_stay_away_are_noticed(generator):
    *earlier, last = quiet_cohorts(generator)
    facts = quiet_venue(11, cohorts=[*earlier, cohort(last.start, 500, 40)])

    [finding] = find(facts, fresh(facts)).findings

    evidence = finding.candidate.evidence
    six = earlier[-6:]
    assert finding.candidate.type is InsightType.COHORT_RETENTION_CHANGE
    assert evidence.value == pytest.approx(0.08)
    assert evidence.comparison_value == pytest.approx(
        sum(each.cells[1].customer_count for each in six) / sum(each.size for each in six)
    )


def test_a_cohort_whose_second_month_still_runs_is_not_compared(generator):
    *earlier, last = quiet_cohorts(generator)
    running = replace(
        cohort(last.start, 500, 5), cells=(*last.cells[:1], replace(last.cells[1], is_running=True))
    )

    candidates = cohort_retention.candidates(quiet_venue(1, cohorts=[*earlier, running]))

    assert [candidate.subject for candidate in candidates] == ["2025-12-01"]


def test_more_empty_seats_than_before_are_noticed_and_unscanned_shows_left_out(generator):
    doors = quiet_doors(generator)
    emptier = [
        show._replace(admitted_count=int(show.admitted_count * 0.9)) if show.day >= END - 28 * DAY else show
        for show in doors
    ]
    unscanned = [show._replace(admitted_count=0) if show.day >= END - 28 * DAY else show for show in doors]

    assert found_types(quiet_venue(11, doors=emptier)) == {InsightType.NO_SHOW_RISE}
    assert no_show_rise.candidates(quiet_venue(11, doors=unscanned)) == []


def test_a_type_that_stops_selling_after_its_price_rose_is_noticed():
    generator = np.random.default_rng(12)
    resisted = quiet_prices(generator, shows=1, fall=0.3)

    facts = quiet_venue(11, **resisted)

    [finding] = find(facts, fresh(facts)).findings
    sold = Counter()
    dear = UUID(finding.candidate.subject)
    for sales in resisted["type_sales"]:
        sold[sales.ticket_type_id == dear, sales.day >= END - 14 * DAY] += sales.ticket_count
    assert finding.candidate.type is InsightType.PRICE_RESISTANCE
    assert finding.candidate.evidence.value == pytest.approx(
        sold[True, True] / (sold[True, True] + sold[False, True])
    )


def test_a_type_that_sells_nothing_at_its_new_price_is_noticed_by_its_list_price():
    generator = np.random.default_rng(12)
    prices = quiet_prices(generator, shows=1)
    dear = prices["type_sales"][0].ticket_type_id
    sold = [
        sales for sales in prices["type_sales"] if sales.ticket_type_id != dear or sales.day < END - 14 * DAY
    ]
    listed = prices["list_prices"] | {dear: ListPrice(9_000, END - 14 * DAY)}

    [candidate] = price_resistance.candidates(quiet_venue(1, type_sales=sold, list_prices=listed))

    assert candidate.subject == str(dear)
    assert candidate.evidence.value == 0
    assert candidate.evidence.p_value < 0.001


def test_types_whose_price_did_not_rise_or_that_stand_alone_are_not_tested():
    generator = np.random.default_rng(12)
    prices = quiet_prices(generator, shows=1)
    steady = [sales._replace(unit_minor=5_000) for sales in prices["type_sales"]]
    alone = [
        TypeSales(sales.event_id, prices["type_sales"][0].ticket_type_id, sales.day, 5_000, 3)
        for sales in prices["type_sales"]
    ]

    assert price_resistance.candidates(quiet_venue(1, type_sales=steady)) == []
    assert price_resistance.candidates(quiet_venue(1, type_sales=alone, list_prices={})) == []


def test_a_show_far_behind_every_comparable_one_is_named(generator):
    shows = quiet_shows(generator)
    slow = min(
        (show for show in shows if show.doors_at > quiet_venue(1).until), key=lambda show: show.doors_at
    )
    behind = slow._replace(sold={lead: tickets // 20 for lead, tickets in slow.sold.items()})
    facts = quiet_venue(11, shows=[behind if show is slow else show for show in shows])

    [finding] = find(facts, fresh(facts)).findings

    candidate = finding.candidate
    lead = -((facts.until - slow.doors_at) // DAY)
    past = sorted((show for show in shows if show.doors_at <= facts.until), key=lambda show: show.doors_at)[
        -20:
    ]
    parts = [sum(n for days, n in show.sold.items() if days >= lead) / 1000 for show in past]
    assert (candidate.type, candidate.subject) == (InsightType.PACING_BEHIND, str(slow.event_id))
    assert candidate.evidence.comparison_value == pytest.approx(median(parts))
    assert candidate.evidence.comparison_count == 20
    assert candidate.expires_at == slow.doors_at


def test_shows_without_enough_comparables_are_not_compared(generator):
    shows = quiet_shows(generator)
    until = quiet_venue(1).until
    few = [show for show in shows if show.doors_at > until] + [
        show for show in shows if show.doors_at <= until
    ][:7]
    other = [
        show._replace(genre="jazz", doors_at=show.doors_at + DAY) for show in shows if show.doors_at > until
    ]

    assert pacing_behind.candidates(quiet_venue(1, shows=few)) == []
    assert (
        pacing_behind.candidates(
            quiet_venue(1, shows=[*other, *(show for show in shows if show.doors_at <= until)])
        )
        == []
    )


def test_best_customers_who_fell_silent_are_counted(generator):
    days = quiet_days(generator)
    regulars = quiet_regulars(generator, days)
    frequent = RegularCustomer(UUID(int=1), 120, END - 700 * DAY, END - 100 * DAY)
    lost = [frequent._replace(customer_id=UUID(int=place)) for place in range(1, 21)]
    facts = quiet_venue(11, days=days, regulars=[*regulars, *lost])

    [finding] = find(facts, fresh(facts)).findings

    assert finding.candidate.type is InsightType.VIPS_AT_RISK
    assert finding.candidate.evidence.value >= 20
    assert finding.candidate.priority is Priority.HIGH


def test_best_customers_of_a_day_that_the_venue_does_not_know_are_looked_at_all_the_same():
    facts = quiet_venue(1)
    first, *others = facts.regulars
    unknown = first._replace(first_day=min(day.day for day in facts.days) - 3 * DAY)

    (candidate,) = vips_at_risk.candidates(replace(facts, regulars=[unknown, *others]))

    assert candidate.evidence.sample_count == sum(one.day_count > 1 for one in facts.regulars)


def test_the_chance_of_a_silence_is_that_of_exponential_gaps_of_unknown_rate():
    generator = np.random.default_rng(4)
    gaps = generator.exponential(size=(200_000, 6))  # five gaps, then the silence

    beyond = gaps[:, 5] / gaps[:, :5].sum(axis=1) > 0.5
    stated = vips_at_risk.silence_p_value(0, 100, 150, 6)

    assert beyond.mean() == pytest.approx(stated, abs=0.003)


def test_a_summer_without_shows_makes_nobody_late(generator):
    days = quiet_days(generator)
    regulars = quiet_regulars(generator, days)
    pause = [day for day in days if day.day < END - 90 * DAY]
    kept = [
        customer._replace(last_day=min(customer.last_day, END - 91 * DAY))
        for customer in regulars
        if customer.first_day < END - 200 * DAY
    ]

    [candidate] = vips_at_risk.candidates(quiet_venue(1, days=pause, regulars=kept))

    assert candidate.evidence.p_value > 0.05


def test_more_customers_who_leave_the_good_segments_are_noticed():
    quiet = quiet_venue(11).good
    falling = {day: count * (3 if day >= END - 28 * DAY else 1) for day, count in quiet.fallen_by_day.items()}

    assert found_types(quiet_venue(11, good=quiet._replace(fallen_by_day=falling))) == {
        InsightType.SEGMENT_MIGRATION
    }


def test_segments_that_have_not_been_followed_for_16_weeks_are_not_compared():
    young = GoodSegments(100, {END - DAY: 40}, END - 60 * DAY)

    assert segment_migration.candidates(quiet_venue(1, good=young)) == []
    assert segment_migration.candidates(quiet_venue(1, good=None)) == []


@pytest.mark.parametrize(("silent", "is_found"), [(0, False), (1, False), (3, True), (59, True), (60, False)])
def test_a_venue_that_sold_every_day_and_now_does_not_has_lost_its_data_or_closed(silent, is_found):
    days = [DaySales(END - back * DAY, "web", "EUR", 20, 1_000) for back in range(silent + 1, 400)]
    facts = quiet_venue(1, days=days)

    candidates = data_freshness.candidates(facts)

    assert data_freshness.silent_days(facts) == silent
    assert any(candidate.evidence.p_value < 0.001 for candidate in candidates) == is_found
    if is_found:
        length = min(366, 399 - silent)
        assert candidates[0].evidence.p_value == pytest.approx((1 / (length + 2)) ** silent)


def test_a_pause_that_the_year_has_seen_before_is_a_season():
    days = [
        DaySales(END - back * DAY, "web", "EUR", 20, 1_000) for back in range(8, 400) if not 200 <= back < 208
    ]

    [candidate] = data_freshness.candidates(quiet_venue(1, days=days))

    assert candidate.evidence.p_value == 1


def test_two_shares_differ_as_far_as_the_pooled_test_of_a_textbook_says():
    # Groups without variance between them, so that the dispersion is 1: z = 2.0 of 0.5 against 0.6.
    before, after = [Group(50, 100)] * 10, [Group(60, 100)] * 10

    compared = compare(before, after)

    z = 0.1 / (0.55 * 0.45 * (2 / 1000)) ** 0.5
    assert compared.dispersion == 1
    assert compared.p_value == pytest.approx(2 * stats.t.sf(z, 18))
    assert compare(before, after, "greater").p_value == pytest.approx(stats.t.sf(z, 18))
    assert compare(before, after, "less").p_value == pytest.approx(stats.t.cdf(z, 18))


def test_a_share_that_varies_between_groups_needs_more_to_have_changed():
    before, after = [Group(30, 100), Group(70, 100)] * 5, [Group(40, 100), Group(80, 100)] * 5

    compared = compare(before, after)

    spread = sum((each.successes - 50) ** 2 / 25 for each in before)
    spread += sum((each.successes - 60) ** 2 / 24 for each in after)
    assert compared.dispersion == pytest.approx(spread / 18)
    assert compared.p_value > 0.05


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([Group(50, 100)] * 3, [Group(50, 100)]),
        ([Group(50, 100)], [Group(50, 100)] * 9),
        ([Group(0, 100)] * 9, [Group(1, 100)] * 9),
        ([Group(50, 100)] * 9, [Group(0, 0)]),
        ([Group(50, 100)] * 9, [Group(2, 4)]),
    ],
)
def test_too_little_is_not_compared(before, after):
    assert compare(before, after) is None
