"""Findings about one customer against the days that they bought on."""

from datetime import UTC, timedelta
from uuid import uuid4

import numpy as np
import pytest

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from libs.common.errors import VenueNotFound
from services.customers.errors import CustomerNotFound
from services.customers.insights.customer_findings import missed_usual_show, moved_segment, usual_gap_days
from services.customers.insights.customers import CustomerInsights
from services.customers.insights.standing import Standing
from services.customers.insights.vocabulary import Priority
from services.customers.people.reader import PeopleReader
from services.customers.rfm.reader import ScoreReader
from services.customers.rfm.segments import Segment
from tests.customers.insights.conftest import NOW, local
from tests.customers.insights.quiet import CLOCK, DAY, END

MONTHLY = [END - back * DAY for back in (220, 190, 160, 130, 100)]


def standing(segment=Segment.LOYAL, *, before=None, rank_change=0, is_vip=False):
    return Standing(segment, is_vip, before, NOW, rank_change, 5, NOW)


def test_nine_of_ten_customers_are_back_within_their_usual_gap():
    generator = np.random.default_rng(2)
    gaps = generator.exponential(30, size=(100_000, 5))

    of_span = usual_gap_days([END + days * DAY for days in (0, 100, 200, 300, 1000)]) / 1000
    usual = gaps[:, :4].sum(axis=1) * of_span

    assert (gaps[:, 4] <= usual).mean() == pytest.approx(0.9, abs=0.005)


def test_a_customer_who_is_late_by_their_own_gaps_missed_the_usual_show():
    gap = usual_gap_days(MONTHLY)
    on_time = MONTHLY[-1] + timedelta(days=int(gap))

    [finding] = missed_usual_show(MONTHLY, on_time + DAY, CLOCK, None)

    assert gap == pytest.approx(120 * (10 ** (1 / 4) - 1))
    assert missed_usual_show(MONTHLY, on_time, CLOCK, None) == []
    assert (finding.type, finding.priority) == ("missed_usual_show", Priority.MEDIUM)
    assert finding.value == int(gap) + 1
    assert finding.p_value == pytest.approx((120 / (120 + finding.value)) ** 4)
    assert finding.since == local(on_time + DAY, 0).astimezone(UTC)


def test_a_late_vip_comes_first():
    [finding] = missed_usual_show(MONTHLY, END + 30 * DAY, CLOCK, standing(is_vip=True))

    assert (finding.type, finding.priority, finding.segment) == ("vip_at_risk", Priority.HIGH, "loyal")


def test_two_days_of_purchases_tell_no_habit():
    assert missed_usual_show(MONTHLY[:2], END + 900 * DAY, CLOCK, None) == []


@pytest.mark.parametrize(("rank_change", "priority"), [(2, Priority.LOW), (-1, Priority.MEDIUM), (0, None)])
def test_moves_to_better_and_weaker_segments_are_told(rank_change, priority):
    found = moved_segment(standing(Segment.AT_RISK, before=Segment.LOYAL, rank_change=rank_change))

    assert [one.priority for one in found] == ([priority] if priority else [])
    assert moved_segment(None) == moved_segment(standing()) == []


@pytest.fixture
def asked(database, venues):
    """Findings about a customer of a history's venue, as of `NOW`."""
    insights = CustomerInsights(
        database, venues, PeopleReader(database), ScoreReader(database), now=lambda: NOW
    )

    async def asked(scope, venue_id, customer_id):
        with acting_as(service_caller("customers", scope.tenant_id)):
            return await insights.of_customer(scope, venue_id, customer_id)

    return asked


async def test_findings_look_at_the_days_of_the_venue_only(handler, history, asked):
    late, elsewhere = uuid4(), uuid4()
    for day in MONTHLY:
        history.buy(local(day, 0), customer=late)
        history.buy(local(day, 22), customer=late)
    history.buy(local(MONTHLY[0]), customer=elsewhere)
    await history.tell(handler)

    found = await asked(history.scope, history.venue_id, late)

    [finding] = found.findings
    assert (finding.type, finding.value, finding.sample_count) == ("missed_usual_show", 100, 5)
    assert found.newest_fact_at == local(MONTHLY[-1], 22)
    assert (await asked(history.scope, history.venue_id, elsewhere)).findings == ()


async def test_moves_of_segments_are_read_where_scores_are(handler, database, history, asked):
    mover = uuid4()
    history.buy(local(END - 3 * DAY), customer=mover)
    await history.tell(handler)
    async with database.transaction(history.scope) as conn:
        await conn.execute(SCORED, history.tenant_id, history.venue_id, mover, NOW - 2 * DAY, END)

    found = await asked(history.scope, history.venue_id, mover)

    [finding] = found.findings
    assert (finding.type, finding.previous_segment, finding.segment) == ("segment_move", "loyal", "at_risk")
    assert (finding.value, finding.since) == (-2, NOW - 2 * DAY)


SCORED = """
with run as (
    insert into rfm_runs (tenant_id, venue_id, computed_at, as_of_day, customer_count, changed_count,
                          move_count, is_by_fixed_bounds, cut_points)
    values ($1, $2, $4, $5, 10, 1, 1, false, '{}')
), score as (
    insert into customer_rfm_scores (tenant_id, venue_id, customer_id, currency, last_purchase_at,
                                     last_purchase_day, order_count, spend_minor, recency_score,
                                     frequency_score, monetary_score, segment, newest_fact_at, changed_at,
                                     is_incremental)
    values ($1, $2, $3, 'EUR', $4, $5, 5, 900, 2, 4, 4, 'at_risk', $4, $4, false)
)
insert into segment_moves (tenant_id, venue_id, customer_id, moved_at, from_segment, to_segment,
                           is_incremental)
values ($1, $2, $3, $4, 'loyal', 'at_risk', false)
"""


async def test_strangers_ungranted_venues_and_unknown_customers_are_not_found(handler, history, asked):
    person = uuid4()
    history.buy(local(END - 3 * DAY), customer=person)
    await history.tell(handler)

    for scope in (TenantScope(uuid4()), TenantScope(history.tenant_id, frozenset({uuid4()}))):
        with pytest.raises(VenueNotFound):
            await asked(scope, history.venue_id, person)
    with pytest.raises(CustomerNotFound):
        await asked(history.scope, history.venue_id, uuid4())
