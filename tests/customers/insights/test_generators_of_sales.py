"""Generators that look at days of sales: anomalies, channels, and days without data."""

from collections import Counter
from statistics import median

import pytest

from services.customers.insights.facts import (
    DaySales,
)
from services.customers.insights.generators import (
    channel_performance,
    data_freshness,
    revenue_anomaly,
)
from services.customers.insights.generators.registry import find, fresh
from services.customers.insights.vocabulary import InsightType, Priority
from tests.customers.insights.finding import found_types
from tests.customers.insights.quiet import (
    DAY,
    END,
    quiet_days,
    quiet_venue,
)


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
