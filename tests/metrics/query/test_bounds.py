"""Questions over more combinations than are read."""

from datetime import timedelta
from uuid import uuid4

import pytest

from libs.common.buckets import Window
from libs.common.context import TenantScope
from services.metrics.customers_port import NotDeployed
from services.metrics.errors import TooManyGroups
from services.metrics.query.executor import QueryExecutor
from services.metrics.query.question import Question
from services.metrics.query.vocabulary import Label, Metric
from services.metrics.sales.reader import SalesFilter, SalesReader
from tests.metrics.read_models.test_read_models import deliver
from tests.platform import events as make
from tests.platform.events import NOON

DAY = timedelta(days=1)


def question(*metrics, limit=1000):
    return Question(
        metrics, Window(NOON - DAY, NOON + DAY), "day", SalesFilter(), frozenset({Label.EVENT}), limit, ""
    )


@pytest.fixture
async def four_shows(database, venues, handler):
    """A tenant that sold four shows, each in two currencies, read at most six rows at a time."""
    tenant, venue = uuid4(), uuid4()
    shows = [uuid4() for _ in range(4)]
    log = [
        make.order_completed(tenant, venue, lines=[(2, 100, None, show)], currency=currency)
        for show in shows
        for currency in ("EUR", "USD")
    ]
    await deliver(handler, log, 4)
    executor = QueryExecutor(database, SalesReader(database), venues, NotDeployed(), most_rows=6)
    return executor, TenantScope(tenant), sorted(shows)


@pytest.mark.parametrize("metric", [Metric.TOP_EVENTS, Metric.SALES_TRENDS])
async def test_ranks_and_lines_need_all_combinations(four_shows, metric):
    executor, scope, _ = four_shows

    with pytest.raises(TooManyGroups):
        await executor.answer(scope, question(metric))


async def test_what_was_not_read_is_told_as_cut_off_and_never_half_a_row(four_shows):
    executor, scope, shows = four_shows

    revenue, tickets = await executor.answer(scope, question(Metric.REVENUE, Metric.TICKET_SALES))

    assert (revenue.truncated, tickets.truncated) == (True, True)
    assert [row.labels.event_id for row in tickets.rows] == shows[:2]
    assert all(row.figures["ticketCount"] == 4 for row in tickets.rows)
    assert len(revenue.rows) == 5
