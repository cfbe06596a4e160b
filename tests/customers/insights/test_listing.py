"""Lists of findings: filtered, paged, and within a tenant and its granted venues."""

from uuid import uuid4

import pytest
from tickettoken.customers.v1.insights_pb2 import ListInsightsRequest

from libs.common.context import TenantScope
from libs.common.errors import VenueNotFound
from libs.common.paging import PageTokenInvalid
from services.customers.errors import InsightNotFound
from services.customers.insights.vocabulary import InsightType, Priority
from tests.customers.insights.conftest import everything


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
