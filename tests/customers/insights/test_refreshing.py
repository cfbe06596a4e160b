"""Findings over their life: made, confirmed, over, made again."""

import asyncio
from datetime import timedelta

from services.customers.insights.vocabulary import InsightType, State
from tests.customers.insights.conftest import NOW, local
from tests.customers.insights.quiet import DAY, END
from tests.platform import events as make


async def test_what_was_scripted_is_found_and_a_second_refresh_makes_nothing(eventful, refreshed, listed):
    first = await refreshed(eventful)
    before = await listed(eventful)
    second = await refreshed(eventful)
    after = await listed(eventful)

    assert (first.created_count, first.expired_count) == (len(before), 0)
    assert (second.created_count, second.updated_count, second.expired_count) == (0, len(before), 0)
    assert {(insight.type, insight.subject) for insight in before} == {
        (InsightType.REVENUE_ANOMALY, (END - 2 * DAY).isoformat()),
        (InsightType.CHANNEL_PERFORMANCE, "app"),
        (InsightType.CHANNEL_PERFORMANCE, "web"),
    }
    assert [insight.insight_id for insight in after] == [insight.insight_id for insight in before]
    assert {insight.state for insight in after} == {State.OPEN}
    anomaly = next(insight for insight in before if insight.type is InsightType.REVENUE_ANOMALY)
    assert anomaly.evidence["value"] == 2_000
    assert anomaly.evidence["currency"] == "EUR"
    assert 0 < anomaly.evidence["p_value"] <= anomaly.evidence["adjusted_p_value"] <= 0.05
    assert anomaly.newest_fact_at == local(END - DAY)


async def test_refreshes_at_once_make_a_finding_once(eventful, refreshed, listed):
    done = await asyncio.gather(*(refreshed(eventful) for _ in range(3)))

    found = await listed(eventful)
    assert sum(each.created_count for each in done) == len(found)


async def test_a_finding_that_does_not_hold_any_more_expires_and_comes_back_under_its_id(
    handler, eventful, refreshed, listed, clock
):
    await refreshed(eventful)
    anomaly = next(one for one in await listed(eventful) if one.type is InsightType.REVENUE_ANOMALY)

    late = [eventful.buy(local(END - 2 * DAY), net=2_500, channel="web") for _ in range(5)]
    await eventful.tell(handler)
    repaired = await refreshed(eventful)
    without = {one.insight_id: one.state for one in await listed(eventful)}
    ids = eventful.tenant_id, eventful.venue_id
    eventful.log += [make.order_cancelled(*ids, order, at=local(END - DAY)) for order in late]
    await eventful.tell(handler)
    clock[0] = NOW + timedelta(hours=1)
    broken = await refreshed(eventful)
    again = next(one for one in await listed(eventful) if one.insight_id == anomaly.insight_id)

    assert without[anomaly.insight_id] is State.EXPIRED
    assert (repaired.expired_count, broken.created_count) == (1, 1)
    assert (again.state, again.found_at) == (State.OPEN, clock[0])


async def test_open_findings_are_over_when_their_time_is_without_a_refresh(
    eventful, refreshed, listed, clock
):
    await refreshed(eventful)

    clock[0] = NOW + timedelta(days=40)

    assert {insight.state for insight in await listed(eventful)} == {State.EXPIRED}
    assert await listed(eventful, actionable=True) == []


async def test_what_is_found_after_a_long_silence_lives_from_then_on(eventful, refreshed, listed, clock):
    clock[0] = NOW + timedelta(days=20)

    await refreshed(eventful)

    found = await listed(eventful)
    assert {InsightType.DATA_FRESHNESS, InsightType.REVENUE_ANOMALY} <= {one.type for one in found}
    assert {one.state for one in found} == {State.OPEN}
    assert all(one.expires_at > clock[0] for one in found)


async def test_a_venue_without_facts_has_no_findings(handler, history, refreshed):
    await history.tell(handler)

    done = await refreshed(history)

    assert (done.created_count, done.test_count, done.newest_fact_at) == (0, 0, None)
