"""Findings as messages of the contract."""

from typing import Final

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from tickettoken.customers.v1 import insights_pb2

from libs.common.moments import timestamp_of
from services.customers.insights.customers import CustomerFindings
from services.customers.insights.false_positives import FALSE_DISCOVERY_RATE
from services.customers.insights.insight import Action
from services.customers.insights.listing import Page, Stats, Told
from services.customers.insights.refreshing import Refresh
from services.customers.insights.vocabulary import Priority, State

_PRIORITIES: Final = tuple(Priority)


def insight_message(told: Told) -> insights_pb2.Insight:
    """A finding with what was done about it."""
    insight = told.insight
    message = insights_pb2.Insight(
        insight_id=str(insight.insight_id),
        venue_id=str(insight.venue_id),
        type=insight.type,
        subject=insight.subject,
        priority=insight.priority,
        state=insight.state,
        title=insight.title,
        description=insight.description,
        suggested_action=insight.suggested_action,
        found_at=timestamp_of(insight.found_at),
        confirmed_at=timestamp_of(insight.confirmed_at),
        expires_at=timestamp_of(insight.expires_at),
        dismissed_at=timestamp_of(insight.dismissed_at),
        dismiss_reason=insight.dismiss_reason,
        actions=[action_message(action) for action in told.actions],
        as_of=timestamp_of(insight.newest_fact_at),
    )
    json_format.ParseDict(dict(insight.evidence), message.evidence)
    return message


def action_message(action: Action) -> insights_pb2.InsightAction:
    """Something done about a finding."""
    parameters = Struct()
    parameters.update(dict(action.parameters))
    return insights_pb2.InsightAction(
        action_id=str(action.action_id),
        action=action.action,
        parameters=parameters,
        taken_at=timestamp_of(action.taken_at),
    )


def page_message(page: Page) -> insights_pb2.ListInsightsResponse:
    """A page of findings."""
    return insights_pb2.ListInsightsResponse(
        insights=[insight_message(told) for told in page.insights],
        next_page_token=page.next_page_token,
        as_of=timestamp_of(page.newest_fact_at),
    )


def stats_message(stats: Stats) -> insights_pb2.GetInsightStatsResponse:
    """Counts, with every state and priority."""
    counts = stats.counts
    message = insights_pb2.GetInsightStatsResponse(
        insight_count=sum(count.insight_count for count in counts),
        count_by_state={
            state: sum(count.insight_count for count in counts if count.state == state) for state in State
        },
        open_count_by_priority=dict.fromkeys(Priority, 0),
        false_discovery_rate=FALSE_DISCOVERY_RATE,
    )
    for count in counts:
        if count.state == State.OPEN:
            message.open_count_by_type[count.type] += count.insight_count
            message.open_count_by_priority[_PRIORITIES[count.priority_rank]] += count.insight_count
            message.actionable_count += count.insight_count if count.has_action else 0
    actioned, dismissed = (message.count_by_state[state] for state in (State.ACTIONED, State.DISMISSED))
    if actioned + dismissed:
        message.actioned_ratio = actioned / (actioned + dismissed)
    if stats.last is not None:
        message.test_count = stats.last.test_count
        message.refreshed_at.FromDatetime(stats.last.refreshed_at)
        if stats.last.newest_fact_at is not None:
            message.as_of.FromDatetime(stats.last.newest_fact_at)
    return message


def refresh_message(refresh: Refresh) -> insights_pb2.RefreshInsightsResponse:
    """What a refresh did."""
    return insights_pb2.RefreshInsightsResponse(
        created_count=refresh.created_count,
        updated_count=refresh.updated_count,
        expired_count=refresh.expired_count,
        test_count=refresh.test_count,
        refreshed_at=timestamp_of(refresh.refreshed_at),
        as_of=timestamp_of(refresh.newest_fact_at),
    )


def customer_insight_messages(found: CustomerFindings) -> list[insights_pb2.CustomerInsight]:
    """Findings about one customer."""
    return [
        insights_pb2.CustomerInsight(
            type=finding.type,
            priority=finding.priority,
            title=finding.title,
            description=finding.description,
            suggested_action=finding.suggested_action,
            measure=finding.measure,
            value=finding.value,
            comparison_value=finding.comparison_value,
            p_value=finding.p_value,
            sample_count=finding.sample_count,
            previous_segment=finding.previous_segment,
            segment=finding.segment,
            since=timestamp_of(finding.since),
        )
        for finding in found.findings
    ]
