"""Findings over their life: made, confirmed, judged, ended."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from tickettoken.customers.v1.insights_pb2 import ListInsightsRequest
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from libs.common.errors import InvalidField, VenueNotFound
from libs.common.jobs.queue import JobQueue, Run
from libs.common.paging import PageTokenInvalid
from services.customers.errors import InsightExpired, InsightNotFound, RefreshIncomplete
from services.customers.insights.jobs import jobs_of
from services.customers.insights.listing import Filter
from services.customers.insights.schedule import REFRESH_ID, REFRESH_JOB, refresh_schedule
from services.customers.insights.vocabulary import InsightType, Priority, State
from tests.customers.insights.conftest import NOW, History, local
from tests.customers.insights.quiet import CLOCK, DAY, END
from tests.platform import events as make


def everything(history, **chosen):
    return Filter(history.venue_id, chosen.get("type"), chosen.get("priority"), chosen.get("actionable"))


@pytest.fixture
def listed(listing):
    """Findings of a history's venue."""

    async def listed(history, **chosen):
        request = ListInsightsRequest(venue_id=str(history.venue_id))
        page = await listing.page(history.scope, everything(history, **chosen), request, requested_size=0)
        return [told.insight for told in page.insights]

    return listed


@pytest.fixture
async def eventful(handler, history):
    """A venue whose revenue broke down on one day, and whose app sells less since four weeks."""
    history.steady(150, 29)
    history.steady(28, 1, channels=("web", "web", "web", "web", "web", "app"))
    broken = local(END - 2 * DAY).date()
    history.log = [
        event
        for event in history.log
        if event.type != "order.completed" or event.occurred_at.ToDatetime().date() != broken
    ]
    history.buy(local(broken), net=2_000, channel="web")
    await history.tell(handler)
    return history


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


async def test_a_dismissed_finding_stays_dismissed_until_its_evidence_changes(
    database, eventful, refreshed, listed, judging
):
    await refreshed(eventful)
    [app] = [one for one in await listed(eventful) if one.subject == "app"]
    caller = service_caller("customers", eventful.tenant_id)

    await judging.dismiss(caller, app.insight_id, "the app is retired")
    again = await refreshed(eventful)

    [kept] = [one for one in await listed(eventful) if one.subject == "app"]
    assert again.created_count == 0
    assert (kept.state, kept.dismiss_reason, kept.dismissed_at) == (
        State.DISMISSED,
        "the app is retired",
        NOW,
    )

    async with database.transaction(eventful.scope) as conn:  # as if the evidence had been weaker then
        await conn.execute(
            "update insights set judged_value = judged_comparison * 0.9"
            " where tenant_id = $1 and insight_id = $2",
            eventful.tenant_id,
            app.insight_id,
        )
    stronger = await refreshed(eventful)

    [opened] = [one for one in await listed(eventful) if one.subject == "app"]
    assert (stronger.created_count, opened.state) == (1, State.OPEN)


async def test_actions_are_kept_and_told_to_the_platform(
    as_admin, eventful, refreshed, listed, judging, listing, clock
):
    await refreshed(eventful)
    [app] = [one for one in await listed(eventful) if one.subject == "app"]
    caller = service_caller("customers", eventful.tenant_id)

    await judging.act(caller, app.insight_id, "review_channel", {"budget": 3.5, "to": ["crm"]})
    clock[0] = NOW + timedelta(seconds=1)
    await judging.act(caller, app.insight_id, "call_partner", {})

    told = await listing.one(eventful.scope, app.insight_id)
    assert told.insight.state is State.ACTIONED
    assert [(done.action, dict(done.parameters)) for done in told.actions] == [
        ("review_channel", {"budget": 3.5, "to": ["crm"]}),
        ("call_partner", {}),
    ]
    rows = await as_admin.fetch(
        "select content from outbox where tenant_id = $1 and type = 'audit.recorded' order by id",
        eventful.tenant_id,
    )
    audits = [Event.FromString(row["content"]).audit_recorded for row in rows]
    assert [audit.action for audit in audits] == ["customers.v1.InsightsService/TakeInsightAction"] * 2
    assert {audit.resource_id for audit in audits} == {str(app.insight_id)}
    assert audits[0].before_hash != audits[0].after_hash == audits[1].before_hash
    assert caller.subject not in audits[0].actor


async def test_judging_is_refused_for_strangers_expired_findings_and_large_parameters(
    eventful, refreshed, listed, judging, clock
):
    await refreshed(eventful)
    [app] = [one for one in await listed(eventful) if one.subject == "app"]
    caller = service_caller("customers", eventful.tenant_id)

    with pytest.raises(InsightNotFound):
        await judging.dismiss(service_caller("customers", uuid4()), app.insight_id, "")
    with pytest.raises(InsightNotFound):
        await judging.act(caller, uuid4(), "ignore", {})
    with pytest.raises(InvalidField):
        await judging.act(caller, app.insight_id, "ignore", {"text": "x" * 20_000})
    for reason in ("ask ada@example.org", "ask +441234567890"):
        with pytest.raises(InvalidField) as named:
            await judging.dismiss(caller, app.insight_id, reason)
        assert [violation.field for violation in named.value.violations] == ["reason"]
    clock[0] = NOW + timedelta(days=40)
    with pytest.raises(InsightExpired):
        await judging.dismiss(caller, app.insight_id, "")


async def test_lists_are_filtered_and_paged_by_priority(eventful, refreshed, listed, listing):
    await refreshed(eventful)
    whole = await listed(eventful)

    request = ListInsightsRequest(venue_id=str(eventful.venue_id))
    paged = []
    for _ in range(len(whole) + 1):
        page = await listing.page(eventful.scope, everything(eventful), request, requested_size=1)
        paged += [told.insight for told in page.insights]
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break

    assert [one.insight_id for one in paged] == [one.insight_id for one in whole]
    ranks = [one.priority.rank for one in whole]
    assert ranks == sorted(ranks, reverse=True)
    assert await listed(eventful, type="channel_performance") == [
        one for one in whole if one.type is InsightType.CHANNEL_PERFORMANCE
    ]
    assert await listed(eventful, priority=Priority.HIGH) == [
        one for one in whole if one.priority is Priority.HIGH
    ]
    assert await listed(eventful, actionable=True) == whole
    assert await listed(eventful, actionable=False) == []


async def test_a_page_token_continues_its_own_question_only(eventful, refreshed, listing):
    await refreshed(eventful)
    request = ListInsightsRequest(venue_id=str(eventful.venue_id))
    page = await listing.page(eventful.scope, everything(eventful), request, requested_size=1)

    other = ListInsightsRequest(
        venue_id=str(eventful.venue_id), priority="high", page_token=page.next_page_token
    )

    with pytest.raises(PageTokenInvalid):
        await listing.page(eventful.scope, everything(eventful), other, requested_size=1)


async def test_strangers_and_callers_without_the_grant_find_nothing(eventful, refreshing, refreshed, listing):
    await refreshed(eventful)
    request = ListInsightsRequest(venue_id=str(eventful.venue_id))
    page = await listing.page(eventful.scope, everything(eventful), request, requested_size=0)
    known = page.insights[0].insight.insight_id

    for scope in (TenantScope(uuid4()), TenantScope(eventful.tenant_id, frozenset({uuid4()}))):
        with pytest.raises(VenueNotFound):
            await listing.page(scope, everything(eventful), request, requested_size=0)
        with pytest.raises(VenueNotFound):
            await listing.stats(scope, eventful.venue_id)
        with pytest.raises(VenueNotFound):
            await refreshing.refresh(scope, eventful.venue_id)
        with pytest.raises(InsightNotFound):
            await listing.one(scope, known)
    granted = TenantScope(eventful.tenant_id, frozenset({eventful.venue_id}))
    assert (await listing.one(granted, known)).insight.insight_id == known


async def test_a_venue_without_facts_has_no_findings(handler, history, refreshed):
    await history.tell(handler)

    done = await refreshed(history)

    assert (done.created_count, done.test_count, done.newest_fact_at) == (0, 0, None)


async def test_a_tenants_first_order_schedules_its_nightly_refresh(
    as_admin, worker_database, eventful, refreshing, listed
):
    schedule = await as_admin.fetchrow(
        "select job, cron, enabled from job_schedules where tenant_id = $1 and id = $2",
        eventful.tenant_id,
        REFRESH_ID,
    )
    [job] = jobs_of(refreshing)

    await as_admin.execute(
        "update job_schedules set next_due_at = now() - interval '1 day' where tenant_id = $1",
        eventful.tenant_id,
    )
    queue = JobQueue(worker_database)
    now = datetime.now(UTC)
    await queue.plan(now=now)
    run = next(
        run
        for run in await queue.claim([REFRESH_JOB], limit=100, lease=DAY, now=now)
        if run.tenant_id == eventful.tenant_id
    )
    with acting_as(service_caller("customers", run.tenant_id)):
        await job.body(run)

    assert (schedule["job"], schedule["enabled"]) == (REFRESH_JOB, True)
    assert run.grant.scope == eventful.scope
    assert await listed(eventful)


async def test_a_venue_that_fails_holds_up_no_other_and_the_night_comes_back_to_it(
    handler, database, eventful, refreshing, listed
):
    other = History()
    other.tenant_id, other.scope = eventful.tenant_id, eventful.scope
    other.venue_id = UUID(int=eventful.venue_id.int - 1)  # whose turn is first
    other.log = [make.venue_updated(other.tenant_id, other.venue_id, time_zone=CLOCK.key)]
    other.steady(60, 10)
    await other.tell(handler)
    [job] = jobs_of(refreshing)
    grant = refresh_schedule(eventful.tenant_id).grant
    run = Run(uuid4(), REFRESH_JOB, "tonight", NOW, 1, {}, grant, uuid4())

    with acting_as(service_caller("customers", eventful.tenant_id)):
        await refreshing.refresh(eventful.scope, other.venue_id)
        async with held(database, eventful.scope, other.venue_id):
            with pytest.raises(RefreshIncomplete, match="1 of 2 venues") as failed:
                await job.body(run)
        first = await listed(eventful)
        await job.body(run)

    assert failed.value.kind.is_transient, "the run is tried again"
    assert first
    assert await listed(other)


@asynccontextmanager
async def held(database, scope, venue_id):
    """Somebody who holds what a refresh of the venue writes, for longer than a refresh waits."""
    began, may_end = asyncio.Event(), asyncio.Event()

    async def hold():
        async with database.transaction(scope) as conn:
            await conn.execute(
                "select from insight_refreshes where tenant_id = $1 and venue_id = $2 for update",
                scope.tenant_id,
                venue_id,
            )
            began.set()
            await may_end.wait()

    holding = asyncio.create_task(hold())
    await began.wait()
    try:
        yield
    finally:
        may_end.set()
        await holding
