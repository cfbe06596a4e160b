"""Findings that somebody dismisses or acts on."""

from datetime import timedelta
from uuid import uuid4

import pytest
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.consumer import service_caller
from libs.common.errors import InvalidField
from services.customers.errors import InsightExpired, InsightNotFound
from services.customers.insights.vocabulary import State
from tests.customers.insights.conftest import NOW


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
