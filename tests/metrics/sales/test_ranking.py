"""Ranks say how many are better, and rates how fast a show sold while it was on sale."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from libs.common.buckets import Window
from services.metrics.sales.ranking import ranked
from services.metrics.sales.velocity import tickets_per_day

figures = st.dictionaries(st.uuids(), st.integers(-5, 5), max_size=30)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
WEEK = Window(MARCH, MARCH + timedelta(days=7))


def rate(tickets, window=WEEK, *, since=None, until=None):
    return tickets_per_day(tickets, window, sold_from=since, sold_until=until)


@given(figures, st.integers(1, 40))
def test_a_rank_is_one_more_than_there_are_better_ones(by_key, limit):
    entries = ranked(by_key, limit)

    assert len(entries) == min(limit, len(by_key))
    for entry in entries:
        assert entry.rank == 1 + sum(other > by_key[entry.key] for other in by_key.values())
    assert [by_key[entry.key] for entry in entries] == sorted(by_key.values(), reverse=True)[:limit]


def test_equal_figures_share_a_rank_and_stand_by_key():
    one, two, three = (UUID(int=number) for number in (1, 2, 3))

    assert ranked({three: 5, two: 7, one: 5}, 10) == [(1, two), (2, one), (2, three)]
    assert ranked({two: 5, one: 5}, 1) == [(1, one)]


def test_a_rate_is_over_the_days_on_sale():
    assert rate(70) == 10
    assert rate(70, since=MARCH - timedelta(days=9), until=MARCH + timedelta(days=90)) == 10
    assert rate(70, since=MARCH + timedelta(days=2)) == 14
    assert rate(70, since=MARCH + timedelta(days=2), until=MARCH + timedelta(days=4, hours=12)) == 28


def test_a_few_minutes_on_sale_are_one_day():
    assert rate(50, since=WEEK.end - timedelta(minutes=10)) == 50


def test_never_on_sale_is_no_rate():
    assert rate(1, since=WEEK.end) is None
    assert rate(1, until=MARCH) is None
