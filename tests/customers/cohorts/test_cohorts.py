"""Cohorts against naive counting with the clock's own dates."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from libs.common.buckets import Window, microseconds
from services.customers.cohorts.table import Orders, cohorts, retention

START = datetime(2024, 1, 1, 12, tzinfo=UTC)


def label(instant, period, clock):
    local = instant.astimezone(clock)
    if period == "week":
        return local.isocalendar()[:2]
    return (local.year, local.month if period == "month" else (local.month - 1) // 3)


def orders_of(facts):
    return Orders(
        np.array([who for who, _, _ in facts], np.int64),
        np.array([microseconds(at) for _, at, _ in facts], np.int64),
        np.array([net for _, _, net in facts], np.int64),
    )


@pytest.mark.parametrize("period", ["week", "month", "quarter"])
@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
def test_cells_are_those_of_counting(period, name):
    clock, generator = ZoneInfo(name), np.random.default_rng(8)
    facts = [
        (
            int(generator.integers(60)),
            START + timedelta(hours=int(generator.integers(9500))),
            int(generator.integers(900)),
        )
        for _ in range(600)
    ]
    as_of = START + timedelta(hours=9000)
    past = [fact for fact in facts if fact[1] < as_of]

    table = cohorts(orders_of(facts), Window(START, as_of), period, clock, as_of=as_of)

    periods = [label(cohort.start, period, clock) for cohort in table]
    first = {who: label(min(at for each, at, _ in past if each == who), period, clock) for who, _, _ in past}
    for number, cohort in enumerate(table):
        assert cohort.size == list(first.values()).count(periods[number])
        assert len(cohort.cells) == len(table) - number
        for age, cell in enumerate(cohort.cells):
            bought = [
                (who, net)
                for who, at, net in past
                if first[who] == periods[number] and label(at, period, clock) == periods[number + age]
            ]
            assert cell.customer_count == len({who for who, _ in bought})
            assert (cell.order_count, cell.net_minor) == (len(bought), sum(net for _, net in bought))
            assert cell.is_running == (number + age == len(table) - 1)
        assert cohort.cells[-1].cumulative_net_minor == sum(cell.net_minor for cell in cohort.cells)


def test_retention_is_weighted_over_cohorts_old_enough():
    days = [(1, 5), (2, 6), (1, 40), (3, 35), (4, 36), (5, 37)]
    facts = [(who, datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day), 100) for who, day in days]
    end = datetime(2024, 3, 1, tzinfo=UTC)
    table = cohorts(orders_of(facts), Window(START, end), "month", ZoneInfo("UTC"), as_of=end)

    found = retention(table)

    assert [(each.age, each.size, each.customer_count) for each in found] == [(0, 5, 5), (1, 2, 1)]
    assert found[1].ratio == pytest.approx(0.5)
    assert not any(cell.is_running for cohort in table for cell in cohort.cells)


def test_first_purchases_before_the_window_belong_to_no_cohort():
    facts = [(1, START - timedelta(days=60), 5), (1, START, 5), (2, START, 5)]
    as_of = START + timedelta(days=1)

    table = cohorts(orders_of(facts), Window(START, as_of), "month", ZoneInfo("UTC"), as_of=as_of)

    assert [(cohort.size, cohort.cells[0].order_count) for cohort in table] == [(1, 1)]
    assert retention(table, complete_only=True) == []
