"""The funnel is what the log says, wherever its window cuts and however the events came."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.context import TenantScope
from libs.common.errors import InvalidField, VenueNotFound
from libs.common.moments import timestamp_of
from services.metrics.errors import EventNotFound
from tests.metrics.platform import oracle_visits as oracle
from tests.metrics.read_models.test_read_models import deliver
from tests.metrics.visits.journeys import journeys
from tests.platform import events as make
from tests.platform.events import NOON

DAY = timedelta(days=1)


def figures_of(answer):
    """An answer in the oracle's terms, and nothing in it that its own counts contradict."""
    counts = [step.session_count for step in answer.steps]
    assert [step.step for step in answer.steps] == list(oracle.STEPS)
    for before, step, after in zip([None, *counts], answer.steps, [*counts[1:], counts[-1]], strict=False):
        assert step.drop_off_count == step.session_count - after
        assert step.HasField("step_conversion_ratio") == bool(before)
        assert step.step_conversion_ratio == (step.session_count / before if before else 0)
        assert step.HasField("overall_conversion_ratio") == bool(counts[0])
        assert step.overall_conversion_ratio == (step.session_count / counts[0] if counts[0] else 0)
    medians = [
        step.median_seconds_from_previous if step.HasField("median_seconds_from_previous") else None
        for step in answer.steps
    ]
    assert medians[0] is None
    ordering = round(answer.overall_conversion_ratio * counts[0])
    newest = answer.as_of.ToDatetime(tzinfo=UTC) if answer.HasField("as_of") else None
    return (
        counts,
        [None if seconds is None else pytest.approx(seconds, abs=1e-6) for seconds in medians[1:]],
        ordering,
        answer.orders_without_session_count,
        newest,
    )


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_the_funnel_of_any_window_is_what_the_log_says(funnel, handler, seed):
    made = journeys(seed)
    scope = TenantScope(made.tenant_id)

    await deliver(handler, made.arrivals(seed), seed)
    await deliver(handler, made.arrivals(seed + 100), seed)

    chance = random.Random(seed)
    windows = [(NOON - DAY, NOON + 9 * DAY), (NOON + DAY / 2, NOON + DAY)]
    for _ in range(8):
        start = NOON + timedelta(seconds=chance.randrange(40 * 3600), microseconds=chance.randrange(10**6))
        windows.append((start, start + timedelta(seconds=chance.choice([60, 1_800, 20_000, 100_000]))))
    for start, end in windows:
        for venue in (None, *made.venues):
            chosen = made.venues if venue is None else [venue]
            answer = await funnel(scope, start, end, venue)
            assert oracle.funnel(made.log, start, end, chosen) == figures_of(answer)
        for show, own_venue in made.shows.items():
            venue = chance.choice([None, own_venue])
            chosen = made.venues if venue is None else [venue]
            answer = await funnel(scope, start, end, venue, show)
            assert oracle.funnel(made.log, start, end, chosen, show) == figures_of(answer)
    counts, medians, _, without_session, _ = oracle.funnel(made.log, *windows[0], made.venues)
    assert counts[0] > counts[-1] > 0
    assert None not in medians
    assert without_session > 0


async def test_a_window_that_cuts_a_session_sees_what_lies_in_it(funnel, handler):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    minute = timedelta(minutes=1)
    place = (tenant, venue, "s")
    log = [
        make.page_viewed(*place, at=NOON),
        make.page_viewed(*place, show=show, at=NOON + 2 * minute),
        make.cart_updated(*place, shows=[show], at=NOON + 3 * minute),
        make.page_viewed(*place, show=show, at=NOON + 5 * minute),
        make.checkout_started(*place, at=NOON + 9 * minute),
    ]
    await deliver(handler, log)
    scope = TenantScope(tenant)

    early = figures_of(await funnel(scope, NOON, NOON + 2 * minute))
    middle = figures_of(await funnel(scope, NOON + minute, NOON + 5 * minute))
    gap = figures_of(await funnel(scope, NOON + 6 * minute, NOON + 9 * minute))
    late = figures_of(await funnel(scope, NOON + 4 * minute, NOON + 10 * minute))

    assert early == ([1, 0, 0, 0, 0, 0], [None] * 5, 0, 0, NOON)
    assert middle == ([1, 1, 1, 0, 0, 0], [0, 60, None, None, None], 0, 0, NOON + 3 * minute)
    assert gap == ([0] * 6, [None] * 5, 0, 0, None)
    assert late == ([1, 1, 1, 1, 0, 0], [0, None, None, None, None], 0, 0, NOON + 9 * minute)


async def test_a_cancelled_order_leaves_the_funnel(funnel, handler):
    tenant, venue, order, ticket, show = (uuid4() for _ in range(5))
    log = [
        make.page_viewed(tenant, venue, "s", at=NOON),
        make.order_completed(tenant, venue, order, show=show, session_id="s", at=NOON + DAY / 24),
        make.ticket_scanned(tenant, venue, ticket, show=show, order=order, at=NOON + DAY / 2),
    ]
    await deliver(handler, log)
    window = (TenantScope(tenant), NOON, NOON + DAY)
    bought = await funnel(*window)

    await deliver(handler, [make.order_cancelled(tenant, venue, order, at=NOON + 2 * DAY)])
    cancelled = await funnel(*window)

    assert [step.session_count for step in bought.steps] == [1] * 6
    assert bought.overall_conversion_ratio == 1
    assert [step.session_count for step in cancelled.steps] == [1, 0, 0, 0, 0, 0]
    assert cancelled.overall_conversion_ratio == 0


async def test_a_scan_of_an_earlier_order_counts_for_a_session_that_came_back(funnel, handler):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    orders = {"back": uuid4(), "gone": uuid4()}
    log = [make.page_viewed(tenant, venue, "back", at=NOON)]
    for session, order in orders.items():
        log.append(
            make.order_completed(tenant, venue, order, show=show, session_id=session, at=NOON - 9 * DAY)
        )
        log.append(make.ticket_scanned(tenant, venue, show=show, order=order, at=NOON + DAY / 3))
    await deliver(handler, log)

    answer = await funnel(TenantScope(tenant), NOON, NOON + DAY)

    assert [step.session_count for step in answer.steps] == [1] * 6
    assert answer.overall_conversion_ratio == 0


async def test_a_session_at_two_venues_counts_once_and_a_grant_hides_the_other(funnel, handler):
    tenant, here, there = uuid4(), uuid4(), uuid4()
    log = [
        make.page_viewed(tenant, here, "both"),
        make.cart_updated(tenant, there, "both"),
        make.page_viewed(tenant, there, "other"),
        make.order_completed(tenant, there),
    ]
    await deliver(handler, log)
    window = (NOON, NOON + DAY)

    everywhere = await funnel(TenantScope(tenant), *window)
    granted = await funnel(TenantScope(tenant, frozenset({here})), *window)
    foreign = await funnel(TenantScope(uuid4()), *window)

    assert [step.session_count for step in everywhere.steps] == [2, 1, 1, 0, 0, 0]
    assert everywhere.orders_without_session_count == 1
    assert [step.session_count for step in granted.steps] == [1, 0, 0, 0, 0, 0]
    assert granted.orders_without_session_count == 0
    assert figures_of(foreign) == ([0] * 6, [None] * 5, 0, 0, None)
    assert not foreign.HasField("overall_conversion_ratio")


async def test_without_dates_the_window_is_the_last_30_days(funnel, handler):
    tenant, venue = uuid4(), uuid4()
    now = datetime.now(UTC)
    ages = [timedelta(0), timedelta(days=29, hours=23), timedelta(days=30, hours=1)]
    await deliver(handler, [make.page_viewed(tenant, venue, f"{age.days}", at=now - age) for age in ages])

    answer = await funnel(TenantScope(tenant), None, None)
    again = await funnel(TenantScope(tenant), None, now + timedelta(seconds=1))

    assert answer.steps[0].session_count == again.steps[0].session_count == 2
    assert answer.window.end_time.ToDatetime(tzinfo=UTC) >= now
    assert again.window.start_time == timestamp_of(now + timedelta(seconds=1) - timedelta(days=30))


async def test_a_question_about_nothing_is_refused_with_its_reason(funnel, handler):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    await deliver(handler, [make.page_viewed(tenant, venue, "s", show=show)])
    scope = TenantScope(tenant)
    other = TenantScope(tenant, frozenset({uuid4()}))
    window = (NOON, NOON + DAY)

    for asked in (
        (scope, *window, None, uuid4()),
        (other, *window, None, show),
        (TenantScope(uuid4()), *window, None, show),
    ):
        with pytest.raises(EventNotFound):
            await funnel(*asked)
    for asked in ((scope, *window, uuid4(), None), (other, *window, venue, show)):
        with pytest.raises(VenueNotFound):
            await funnel(*asked)
    for dates in ((NOON, NOON), (datetime.now(UTC) + DAY, None), (None, datetime(1, 1, 5, tzinfo=UTC))):
        with pytest.raises(InvalidField):
            await funnel(scope, *dates)
