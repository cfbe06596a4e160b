"""What is told of customers before a run has taken place, and the days of the rule."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from tickettoken.customers.v1 import churn_pb2

from deploy.local.credentials import PERMISSIONS
from libs.common.context import TenantScope
from libs.common.paging import PageTokens
from services.customers.churn.options import ChurnOptions
from services.customers.churn.risk import ChurnRisk
from services.customers.churn.silent_days import days_since, silent_since
from services.customers.models.registry import ModelRegistry
from services.customers.people.reader import PeopleReader
from tests.customers.churn.conftest import SHIFT, mixed_rows, shifted, told_of
from tests.customers.churn.test_predicting import asking as predicting
from tests.customers.churn.test_risk import asking, every_page, last_purchases, recounted
from tests.customers.lifetime.conftest import orders_of
from tests.customers.lifetime.histories import START, Row
from tests.customers.people.shoppers import registered
from tests.metrics.serving import refused
from tests.platform import events as make

WITHOUT_PII = frozenset(PERMISSIONS) - {"analytics.pii"}


@pytest.fixture
async def filled(apply, tenant_id, venue_ids):
    """Two venues far apart whose purchases end yesterday."""
    rows = shifted(mixed_rows())
    await apply(told_of(tenant_id, venue_ids, rows))
    return rows


async def test_refusals_name_their_reason(apply, foretell, client, tenant_id, venue_ids):
    rows = [Row(0, UUID(int=n), START + SHIFT + timedelta(days=n), spend=500) for n in range(90)]
    await apply(orders_of(tenant_id, venue_ids, rows))

    assert await refused(predicting(client, venue_ids[0], UUID(int=3))) == (
        "FAILED_PRECONDITION",
        "MODEL_NOT_FITTED",
    )
    await foretell(tenant_id, as_of=None)
    for fields in ({}, {"horizon_days": 30}):
        assert await refused(predicting(client, venue_ids[0], UUID(int=3), **fields)) == (
            "FAILED_PRECONDITION",
            "NOT_ENOUGH_HISTORY",
        )
    assert await refused(predicting(client, venue_ids[0], uuid4())) == ("NOT_FOUND", "CUSTOMER_NOT_FOUND")
    assert await refused(predicting(client, uuid4(), UUID(int=3))) == ("NOT_FOUND", "VENUE_NOT_FOUND")


async def test_without_a_run_the_rule_holds_and_no_probability_is_told(
    apply, customers_process, client, tenant_id, venue_ids, filled
):
    order = uuid4()
    gone, at = UUID(int=950), datetime.now(UTC) - timedelta(days=200)
    bought = make.order_completed(tenant_id, venue_ids[0], order, customer=gone, lines=((1, 900),), at=at)
    refund = make.order_refunded(tenant_id, venue_ids[0], order, amount=900, at=at + timedelta(days=1))
    await apply([refund, bought])
    await apply([refund, bought])

    found, first = await every_page(client, page_size=90, threshold=30)
    async with customers_process.client(uuid4()) as stranger:
        nothing = await asking(stranger)

    silent, count = recounted(filled, (0, 1), 30)
    last = last_purchases(filled, (0, 1))
    assert (first.at_risk_count, first.customer_count) == (len(silent), count)
    assert (nothing.at_risk_count, nothing.customer_count, len(nothing.customers)) == (0, 0, 0)
    assert not nothing.HasField("at_risk_ratio")
    assert not nothing.HasField("as_of")
    assert {UUID(one.customer_id): one.days_since_last_purchase for one in found} == silent
    assert [UUID(one.customer_id) for one in found] == sorted(silent, key=lambda who: (last[who], who))
    assert not any(one.HasField("churn_probability") or one.model for one in found)


async def test_who_customers_are_is_masked_for_those_who_may_not_see_it(
    apply, customers_process, client, tenant_id, venue_ids
):
    customer, at = uuid4(), datetime.now(UTC) - timedelta(days=100)
    known = registered(tenant_id, customer, name="Quirina Vandersteen", email="quirina@example.org")
    await apply([known, *orders_of(tenant_id, venue_ids, [Row(0, customer, at)])])

    (shown,) = (await asking(client)).customers
    async with customers_process.client(tenant_id, permissions=WITHOUT_PII) as narrow:
        (masked,) = (await asking(narrow)).customers

    assert (shown.identity.name, shown.identity.email) == ("Quirina Vandersteen", "quirina@example.org")
    assert masked.identity.is_masked
    assert "Vandersteen" not in str(masked)
    assert "quirina" not in str(masked)
    assert masked.days_since_last_purchase == 100


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Auckland", "America/Santiago", "Asia/Gaza"])
def test_whole_days_are_those_of_the_venues_clock(zone):
    clock = ZoneInfo(zone)

    for hours in range(0, 24 * 400, 7):
        now = datetime(2025, 1, 1, 0, 30, tzinfo=UTC) + timedelta(hours=hours)
        since = silent_since(now, clock, 14)
        just_before = since - timedelta(microseconds=1)
        assert days_since(since, now, clock) == 13
        assert days_since(just_before, now, clock) == 14


async def test_a_purchase_at_midnight_counts_for_the_day_that_begins(
    database, venues, apply, tenant_id, venue_ids
):
    clock = ZoneInfo("America/New_York")
    now = datetime(2025, 11, 20, 3, 30, tzinfo=UTC)  # still the 19th there; clocks were turned on the 2nd
    edge = datetime(2025, 10, 21, tzinfo=clock).astimezone(UTC)
    late, early = UUID(int=1), UUID(int=2)
    rows = [Row(0, late, edge), replace(Row(0, early, edge), sold_at=edge - timedelta(microseconds=1))]
    told = make.venue_updated(tenant_id, venue_ids[0], time_zone="America/New_York")
    await apply([told, *orders_of(tenant_id, venue_ids, rows)])
    pages, options = PageTokens(b"p" * 32), ChurnOptions()
    readers = database, venues, ModelRegistry(database, venues), PeopleReader(database)
    risk = ChurnRisk(*readers, pages=pages, options=options, now=lambda: now)

    request = churn_pb2.GetChurnRiskRequest(venue_id=str(venue_ids[0]), threshold=30)
    page = await risk.page(TenantScope(tenant_id), request)

    assert [one.silent.customer_id for one in page.customers] == [early]
    assert page.customers[0].days == 30
    assert page.found.customer_count == 2
