"""Rows of exports are those of a naive count, limited by window, venue and grant."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.customers.exports.data_sets import DATA_SETS
from tests.customers.exports.asking import ALWAYS, SCORE, asked
from tests.customers.people.shoppers import record
from tests.customers.purchases import histories
from tests.platform import events as make

WHOLE_TENANT = UUID(int=0)


async def test_purchases_are_those_of_a_naive_recount_in_the_order_of_time(export, history, named):
    rows = await export(history.tenant, "purchases", ALWAYS)

    told, name = histories.purchases(history.events), await named(history.tenant, history.events)
    assert {len(row["customer_id"]) for row in rows} == {32, 36}, "some have consented, and some have not"
    assert len(rows) == len(told)
    assert [row["sold_at"] for row in rows] == sorted(row["sold_at"] for row in told.values())
    for row in rows:
        expected = told[row["order_id"], row["currency"]]
        expected.pop("session_id")
        expected["customer_id"] = name(expected["customer_id"])
        assert {name: row[name] for name in expected} == expected


async def test_a_window_is_half_open_and_a_venue_or_a_grant_limits_rows(export, history):
    venue = history.venues[0]
    whole = await export(history.tenant, "purchases", ALWAYS)
    window = (whole[3]["sold_at"], whole[20]["sold_at"])

    assert await export(history.tenant, "purchases", window) == whole[3:20]
    at_venue = [row for row in whole if row["venue_id"] == str(venue)]
    assert await export(history.tenant, "purchases", ALWAYS, venue_id=str(venue)) == at_venue
    assert await export(history.tenant, "purchases", ALWAYS, venues=[venue]) == at_venue
    assert await export(uuid4(), "purchases", ALWAYS) == []
    assert await export(history.tenant, "purchases", ALWAYS, limit=5) == whole[:5]


async def test_customers_are_told_of_with_what_they_did_at_the_venues_covered(export, history, named):
    venue, name = history.venues[1], await named(history.tenant, history.events)

    everyone = {row["customer_id"]: row for row in await export(history.tenant, "customers")}
    there = {row["customer_id"]: row for row in await export(history.tenant, "customers", venues=[venue])}

    seen, bought_rows = histories.seen(history.events), histories.purchases(history.events)
    people = {person for _, person in seen} | set(histories.profiles(history.events))
    assert set(everyone) == {name(person) for person in people}
    met = {name(person): person for at, person in seen if at == str(venue)}
    assert set(there) == set(met)
    for called, row in there.items():
        person = met[called]
        assert (row["first_seen_at"], row["last_seen_at"]) == seen[str(venue), person]
        own = [
            one
            for one in bought_rows.values()
            if (one["venue_id"], one["customer_id"]) == (str(venue), person)
        ]
        assert row["order_count"] == sum(one["order_count"] for one in own)
        assert row["ticket_count"] == sum(one["ticket_count"] - one["refunded_ticket_count"] for one in own)
    last = max(seen[pair][1] for pair in seen)
    recent = await export(history.tenant, "customers", (last, last + timedelta(seconds=1)))
    assert [row["last_seen_at"] for row in recent] == [last]


async def test_scores_of_the_whole_tenant_are_sent_to_callers_without_a_grant_alone(
    handler, as_admin, export
):
    tenant, venue, person = uuid4(), uuid4(), uuid4()
    await record(handler, [make.venue_updated(tenant, venue)])
    for place in (WHOLE_TENANT, venue):
        await as_admin.execute(SCORE, tenant, place, person, make.NOON)

    rows = await export(tenant, "scores")

    assert [row["venue_id"] for row in rows] == [None, str(venue)]
    assert {(row["segment"], row["recency_score"], row["spend_minor"]) for row in rows} == {("loyal", 5, 900)}
    assert await export(tenant, "scores", venues=[venue]) == rows[1:]
    assert await export(tenant, "scores", venue_id=str(venue)) == rows[1:]
    after = (make.NOON + timedelta(seconds=1), ALWAYS[1])
    assert await export(tenant, "scores", after) == []


@pytest.mark.parametrize("dataset", DATA_SETS)
async def test_an_empty_data_set_is_its_columns_alone(as_service, dataset):
    async with as_service(uuid4()) as client:
        call = client.customers.ExportRows(asked(dataset, ALWAYS), metadata=client.metadata)
        messages = [one async for one in call]

    assert len(messages) == 1
    assert [one.name for one in messages[0].columns] == [one.name for one in DATA_SETS[dataset].columns]


async def test_columns_come_in_the_order_in_which_they_are_asked_for(export, history):
    (row, *_) = await export(history.tenant, "customers", columns=["order_count", "name", "customer_id"])

    assert list(row) == ["order_count", "name", "customer_id"]
