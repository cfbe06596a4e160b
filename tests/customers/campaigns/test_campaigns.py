"""Campaigns as served: created, changed, repeated, and what each command leaves behind."""

import asyncio
from hashlib import sha256
from uuid import uuid4

import pytest
from tickettoken.customers.v1 import campaigns_pb2

from tests.customers.auditing import audit_events
from tests.customers.campaigns.asking import END, START, eur, listed, read, updated
from tests.customers.marketing import created
from tests.metrics.serving import eventually_equal, refused


async def test_a_campaign_is_created_as_a_draft_and_read_back(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        made = await created(
            client, marketing.venue_id, budget=eur(500_000), start_date=START, end_date=END, type="social"
        )

        assert await read(client, made.campaign_id) == made

    assert (made.name, made.channel, made.type, made.status) == ("Spring", "email", "social", "draft")
    assert (made.budget, made.start_date, made.end_date) == (eur(500_000), START, END)
    assert made.etag
    assert not made.HasField("spend")


async def test_given_fields_are_replaced_and_the_others_stay(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        made = await created(client, marketing.venue_id, budget=eur(10), start_date=START)

        spent = await updated(client, made, spend=eur(0), status="active")
        ended = await updated(client, spent, name="Summer", end_date=END, budget=eur(20))

        assert await read(client, made.campaign_id) == ended
    assert (spent.spend, spent.status, spent.name, spent.budget) == (eur(0), "active", "Spring", eur(10))
    assert (ended.spend, ended.status, ended.name, ended.budget) == (eur(0), "active", "Summer", eur(20))
    assert (ended.start_date, ended.end_date) == (START, END)
    assert len({made.etag, spent.etag, ended.etag}) == 3


async def test_of_two_who_change_one_state_the_second_is_refused(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        made = await created(client, marketing.venue_id)

        outcomes = await asyncio.gather(
            *(updated(client, made, name=name) for name in ("One", "Two")), return_exceptions=True
        )

        (winner,) = [each for each in outcomes if isinstance(each, campaigns_pb2.Campaign)]
        assert (await read(client, made.campaign_id)).name == winner.name
        assert await refused(updated(client, made, name="Three")) == ("ABORTED", "ETAG_MISMATCH")


async def test_a_repeated_command_with_its_key_gives_the_first_answer_and_does_nothing_more(
    customers_process, marketing
):
    async with customers_process.client(marketing.tenant_id) as client:
        request = campaigns_pb2.CreateCampaignRequest(
            venue_id=str(marketing.venue_id), name="Once", channel="email"
        )
        key = client.with_key(str(uuid4()))
        answers = [await client.campaigns.CreateCampaign(request, metadata=key) for _ in range(2)]
        made = answers[0].campaign
        key = client.with_key(str(uuid4()))
        changes = [await updated(client, made, name="Twice", metadata=key) for _ in range(2)]

        assert answers[0] == answers[1]
        assert changes[0] == changes[1]
        assert len((await listed(client, marketing.venue_id)).campaigns) == 1
        assert await refused(updated(client, made, name="Other", metadata=key)) == (
            "INVALID_ARGUMENT",
            "IDEMPOTENCY_KEY_REUSED",
        )


async def test_campaigns_are_listed_newest_first_page_by_page(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        made = [await created(client, marketing.venue_id, name=str(number)) for number in range(5)]
        await created(client, marketing.venue_id, name="other", type="offline")
        active = await updated(client, made[2], status="active")

        names, token = [], ""
        while True:
            page = await listed(client, marketing.venue_id, page_size=4, page_token=token)
            names += [each.name for each in page.campaigns]
            token = page.next_page_token
            if not token:
                break
        offline = await listed(client, marketing.venue_id, type="offline")
        running = await listed(client, marketing.venue_id, status="active")
        first = await listed(client, marketing.venue_id, page_size=1)
        foreign = listed(client, marketing.venue_id, status="draft", page_token=first.next_page_token)

        assert await refused(foreign) == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")
    assert names == ["other", "4", "3", "2", "1", "0"]
    assert [each.name for each in offline.campaigns] == ["other"]
    assert list(running.campaigns) == [active]


@pytest.fixture
async def audited(redis_url, marketing):
    async with audit_events(redis_url, marketing.tenant_id) as found:
        yield found


@pytest.mark.usefixtures("working_process")
async def test_every_command_leaves_an_audit_event_with_the_states_before_and_after(
    customers_process, marketing, audited
):
    async with customers_process.client(marketing.tenant_id) as client:
        made = await created(client, marketing.venue_id)
        await updated(client, made, name="Changed")

    async def count():
        return len(audited)

    assert await eventually_equal(count, 2, within_seconds=60)
    events = sorted(audited.values(), key=lambda event: event.occurred_at.ToMicroseconds())
    first, second = [event.audit_recorded for event in events]
    assert (first.action, second.action) == tuple(
        f"customers.v1.CampaignsService/{method}" for method in ("CreateCampaign", "UpdateCampaign")
    )
    assert {first.resource_id, second.resource_id} == {made.campaign_id}
    assert first.before_hash == ""
    assert first.after_hash == second.before_hash != second.after_hash
    assert len(first.after_hash) == len(sha256().hexdigest())
    assert first.actor == second.actor != ""
