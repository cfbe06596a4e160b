"""Profiles of a running service: what they tell, and what they are computed from."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.customers.profile.spread import LEAST_CUSTOMERS
from services.customers.views.refreshes import VIEWS, Refreshes
from tests.customers.people.shoppers import NOW, bought, moment, record, updated
from tests.customers.profile.asking import KNOWN, Asking
from tests.metrics.serving import eventually_equal


async def test_a_profile_tells_what_the_venue_knows(customers_process, house):
    tenant, venue, _, person = house
    async with customers_process.client(tenant) as client:
        profile = (await Asking(client, venue, person).ask("profile")).profile

    (euros,) = profile.totals
    (activity,) = profile.activities
    first, last = NOW - timedelta(days=20), NOW - timedelta(days=18)
    assert profile.customer_id == str(person)
    assert (euros.currency, euros.order_count, euros.ticket_count) == ("EUR", 3, 6)
    assert (euros.gross.amount_minor, euros.refunds.amount_minor, euros.spend.amount_minor) == (
        9_000,
        0,
        9_000,
    )
    assert euros.average_order.amount_minor == 3_000
    assert not euros.HasField("spend_rank_ratio")
    assert (moment(profile.first_purchase_time), moment(profile.last_purchase_time)) == (first, last)
    assert (activity.venue_id, activity.venue_name, activity.order_count) == (str(venue), "Hall", 3)
    assert moment(activity.latest_show_time) == NOW
    assert (profile.marketing_consent, profile.registration_channel) == (True, "web")
    assert moment(profile.registered_time) == first
    assert profile.next_best_action.reason.endswith(".")
    assert [one.dimension for one in profile.preferences] == [
        "price_band",
        "party_size",
        "channel",
    ]
    assert {(one.dimension, one.value) for one in profile.preferences} >= {
        ("party_size", "pair"),
        ("channel", "web"),
    }
    assert moment(profile.as_of) == last


async def test_a_user_profile_is_over_all_venues_that_the_token_grants(customers_process, house):
    tenant, venue, other, person = house
    seen = {}
    for name, grant in (("all", None), ("one", [venue]), ("other", [other])):
        async with customers_process.client(tenant, venue_ids=grant) as client:
            seen[name] = (await Asking(client, venue, person).ask("user_profile")).profile

    assert [one.currency for one in seen["all"].totals] == ["EUR", "USD"]
    assert [one.venue_id for one in seen["all"].activities] == [str(other), str(venue)]
    assert [one.currency for one in seen["one"].totals] == ["EUR"]
    assert [one.venue_id for one in seen["other"].activities] == [str(other)]
    assert moment(seen["all"].last_purchase_time) == NOW - timedelta(days=1)
    assert all(not one.HasField("spend_rank_ratio") for one in seen["all"].totals)


async def test_a_profile_follows_what_happens(customers_process, house, handler):
    tenant, venue, _, person = house
    async with customers_process.client(tenant) as client:
        asking = Asking(client, venue, person)
        before = (await asking.ask("profile")).profile
        await record(
            handler,
            [
                updated(tenant, person, name="Quirina Newname", marketing_consent=False),
                bought(tenant, venue, person, lines=[(1, 700)], at=NOW - timedelta(hours=1)),
            ],
        )

        async def spent():
            return (await asking.ask("profile")).profile.totals[0].spend.amount_minor

        assert await eventually_equal(spent, 9_700)
        after = (await asking.ask("profile")).profile

    assert (before.identity.name, after.identity.name) == (KNOWN["name"], "Quirina Newname")
    assert (before.marketing_consent, after.marketing_consent) == (True, False)
    assert after.next_best_action.action in ("prepare_visit", "respect_objection")


async def scored(as_admin, tenant, place, person, scores):
    """A run with one customer in it. Nothing waits to be scored, so that these scores stay."""
    await as_admin.execute("delete from rfm_pending where tenant_id = $1", tenant)
    await as_admin.execute(
        "insert into rfm_runs values ($1, $2, now(), current_date, 365, 6, 6, 0, false, '{}', now())",
        tenant,
        place,
    )
    await as_admin.execute(
        "insert into customer_rfm_scores values ($1, $2, $3, 'EUR', now(), current_date - 4, 3, 9000, null,"
        " $4, $5, $6, $7, now(), now(), false)",
        tenant,
        place,
        person,
        *scores,
    )


async def test_scores_segments_and_status_are_those_that_are_stored(customers_process, house, as_admin):
    tenant, venue, _, person = house
    await scored(as_admin, tenant, venue, person, (2, 5, 5, "cant_lose"))
    for slug in ("zealous", "early_birds"):
        await as_admin.execute(
            "insert into customer_segment_members values ($1, $2, $3, $4, now())", tenant, venue, slug, person
        )
    async with customers_process.client(tenant) as client:
        profile = (await Asking(client, venue, person).ask("profile")).profile

    assert (profile.score.recency_days, profile.score.order_count) == (4, 3)
    assert profile.score.spend.amount_minor == 9_000
    assert (profile.score.recency_score, profile.score.frequency_score, profile.score.monetary_score) == (
        2,
        5,
        5,
    )
    assert (profile.score.segment, profile.status) == ("cant_lose", "VIP")
    assert list(profile.segments) == ["cant_lose", "early_birds", "zealous"]


async def test_scores_of_the_whole_tenant_are_for_callers_without_a_venue_grant(
    customers_process, house, as_admin
):
    tenant, venue, _, person = house
    await scored(as_admin, tenant, UUID(int=0), person, (5, 5, 5, "champions"))
    statuses = []
    for grant in (None, [venue]):
        async with customers_process.client(tenant, venue_ids=grant) as client:
            profile = (await Asking(client, venue, person).ask("user_profile")).profile
            statuses.append((profile.status, profile.HasField("score")))

    assert statuses == [("VIP", True), ("", False)]


async def test_ranks_compare_with_all_customers_of_the_venue(customers_process, handler, worker_database):
    tenant, venue = uuid4(), uuid4()
    people = [uuid4() for _ in range(2 * LEAST_CUSTOMERS)]
    await record(
        handler,
        [bought(tenant, venue, person, lines=[(1, 100 * (rank + 1))]) for rank, person in enumerate(people)],
    )
    for view in VIEWS:
        await Refreshes(worker_database).refresh(view)
    ratios = []
    async with customers_process.client(tenant) as client:
        for person in (people[0], people[LEAST_CUSTOMERS], people[-1]):
            profile = (await Asking(client, venue, person).ask("profile")).profile
            ratios.append(profile.totals[0].spend_rank_ratio)
            assert profile.activities[0].order_rank_ratio == 0

    assert ratios == [0, 0.5, pytest.approx(39 / 40, abs=0.01)]
