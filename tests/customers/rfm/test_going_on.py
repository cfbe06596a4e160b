"""Runs that go on from the last one, against a naive recount, and when a run counts everyone instead."""

from datetime import timedelta
from uuid import uuid4

import pytest

from libs.common.bus.consumer import in_transaction, service_caller
from libs.common.context import TenantScope, acting_as
from services.customers.read_models.consumer import QUEUE, ReadModels
from services.customers.rebuild import store as rebuild_store
from services.customers.rfm.rescoring import Rescoring
from services.customers.rfm.runs import ScoringRuns
from services.customers.segments.members import Members
from tests.customers.people.shoppers import bought, record
from tests.customers.rfm import comparing
from tests.customers.rfm.town import Town
from tests.platform import events as make

DAY = timedelta(days=1)


class Evening:
    """When people are scored between two runs."""

    now = None


@pytest.fixture
def evening():
    return Evening()


@pytest.fixture
def rescoring(database, cache, evening):
    return Rescoring(database, cache, Members(), window_days=365, now=lambda: evening.now)


@pytest.fixture
def counted(handler, run, evening):
    """A town whose facts are known and that was counted at its start; a day passes before its next run."""

    async def counted(town):
        evening.now = town.start - timedelta(minutes=1)
        await record(handler, town.events)
        await run(town.tenant, town.start)
        evening.now = town.start + DAY - timedelta(minutes=5)
        return town

    return counted


@pytest.fixture
async def town(counted):
    return await counted(Town(5))


@pytest.fixture
def unscoring_handler(database, venues, cache, tombstones):
    """Records facts and leaves the scores to the next run."""
    return in_transaction(
        database,
        service="customers",
        queue=QUEUE,
        apply=ReadModels(database, venues, cache, tombstones).apply,
    )


async def counted_at(as_admin, tenant):
    """By place, the moment of the run that the last one's figures were counted by."""
    rows = await as_admin.fetch(
        "select distinct on (venue_id) venue_id, counted_at from rfm_runs where tenant_id = $1"
        " order by venue_id, computed_at desc",
        tenant,
    )
    return {row["counted_at"] for row in rows}


@pytest.mark.parametrize("venue_count", [1, 2])
async def test_nights_that_go_on_from_each_other_store_what_a_recount_finds(
    as_admin, run, handler, counted, evening, venue_count
):
    town = await counted(Town(5, venues=venue_count))
    for night in range(1, 6):
        moment = town.start + night * DAY
        evening.now = moment - timedelta(minutes=5)
        await record(handler, town.day_passes(moment))

        await run(town.tenant, moment)

        await town.assert_exact(as_admin, moment)
        assert await counted_at(as_admin, town.tenant) == {town.start}


@pytest.mark.parametrize("venue_count", [1, 2])
async def test_people_whom_nobody_scored_between_the_runs_are_counted_by_the_next_one(
    as_admin, run, unscoring_handler, counted, venue_count
):
    town = await counted(Town(5, venues=venue_count))
    for night in range(1, 6):
        moment = town.start + night * DAY
        await record(unscoring_handler, town.day_passes(moment))

        await run(town.tenant, moment)

        await town.assert_exact(as_admin, moment)
        waiting = await as_admin.fetchval(
            "select count(*) from rfm_pending where tenant_id = $1", town.tenant
        )
        assert waiting == 0
        assert await counted_at(as_admin, town.tenant) == {town.start}


async def test_moves_are_those_between_two_recounts(as_admin, run, unscoring_handler, town):
    moment = town.start + DAY
    before = {place: town.expected(place, town.start)[1] for place in (*town.venues, comparing.WHOLE)}
    await record(unscoring_handler, town.day_passes(moment))

    await run(town.tenant, moment)

    for place, was in before.items():
        now = town.expected(place, moment)[1]
        found = await as_admin.fetch(
            "select customer_id, from_segment, to_segment from segment_moves"
            " where tenant_id = $1 and venue_id = $2 and moved_at = $3",
            town.tenant,
            place,
            moment,
        )
        pairs = {person: (segment(was, person), segment(now, person)) for person in {*was, *now}}
        moved = {person: pair for person, pair in pairs.items() if pair[0] != pair[1]}
        assert {row["customer_id"]: (row["from_segment"], row["to_segment"]) for row in found} == moved


def segment(scores, person):
    return scores[person][3] if person in scores else None


async def test_a_night_counts_a_run_s_customers_and_its_newest_fact(as_admin, run, handler, town):
    moment = town.start + DAY
    await record(handler, town.day_passes(moment))

    places = await run(town.tenant, moment)

    for place in places:
        people, _ = town.expected(place.venue_id, moment)
        assert place.customer_count == len(people)
        newest = await as_admin.fetchval(
            "select max(newest_fact_at) from customer_rfm_scores where tenant_id = $1 and venue_id = $2",
            town.tenant,
            place.venue_id,
        )
        told = await as_admin.fetchval(
            "select newest_fact_at from rfm_runs where tenant_id = $1 and venue_id = $2 and computed_at = $3",
            town.tenant,
            place.venue_id,
            moment,
        )
        assert told == newest


async def test_every_seventh_night_counts_everyone_and_mends_a_row_that_nothing_explains(as_admin, run, town):
    await as_admin.execute(
        "update customer_rfm_scores set order_count = order_count + 1, spend_minor = 1"
        " where tenant_id = $1 and customer_id = $2",
        town.tenant,
        town.people[0],
    )

    await run(town.tenant, town.start + 7 * DAY)

    await town.assert_exact(as_admin, town.start + 7 * DAY)
    assert await counted_at(as_admin, town.tenant) == {town.start + 7 * DAY}


async def test_a_run_of_an_earlier_moment_counts_everyone(as_admin, run, town):
    earlier = town.start - timedelta(hours=5)

    await run(town.tenant, earlier)

    await town.assert_exact(as_admin, earlier)


async def test_another_clock_of_a_venue_has_everyone_counted(as_admin, run, handler, town):
    venue, moment = town.venues[0], town.start + DAY
    town.zones[venue] = "Asia/Kathmandu"
    await record(
        handler, [make.venue_updated(town.tenant, venue, time_zone="Asia/Kathmandu", version=1, at=moment)]
    )

    await run(town.tenant, moment)

    await town.assert_exact(as_admin, moment)
    assert await counted_at(as_admin, town.tenant) == {moment}


async def test_another_window_has_everyone_counted(as_admin, database, cache, town):
    moment = town.start + DAY
    runs = ScoringRuns(database, cache, Members(), window_days=None)

    with acting_as(service_caller("customers", town.tenant)):
        await runs.run(TenantScope(town.tenant), as_of=moment)

    assert await counted_at(as_admin, town.tenant) == {moment}


async def test_a_new_venue_has_everyone_counted(as_admin, run, handler, town):
    venue, moment = uuid4(), town.start + DAY
    town.venues.append(venue)
    town.zones[venue] = "Europe/Berlin"
    told = [
        make.venue_updated(town.tenant, venue),
        *(bought(town.tenant, venue, town.people[0], at=moment - timedelta(hours=hour)) for hour in (2, 3)),
    ]
    town.events += told
    await record(handler, told)

    await run(town.tenant, moment)

    await town.assert_exact(as_admin, moment)
    assert await counted_at(as_admin, town.tenant) == {moment}


async def test_news_of_more_than_a_fourth_have_everyone_counted(as_admin, run, handler, town):
    moment = town.start + DAY
    told = [bought(town.tenant, town.venues[0], person, at=moment - DAY / 2) for person in town.people[:30]]
    town.events += told
    await record(handler, told)

    await run(town.tenant, moment)

    await town.assert_exact(as_admin, moment)
    assert await counted_at(as_admin, town.tenant) == {moment}


async def test_after_the_read_models_were_emptied_everyone_is_counted(as_admin, database, run, town):
    moment = town.start + DAY
    async with database.transaction(TenantScope(town.tenant)) as conn:
        await rebuild_store.empty(conn, town.tenant, QUEUE)

    await run(town.tenant, moment)

    assert await comparing.stored_people(as_admin, town.tenant) == {}
    assert await counted_at(as_admin, town.tenant) == {moment}


async def test_a_venue_with_fewer_than_five_customers_has_everyone_counted(as_admin, run, counted):
    town = Town(6)
    venue, moment = uuid4(), town.start + DAY
    small = [bought(town.tenant, venue, uuid4(), at=town.start - one * DAY) for one in range(1, 5)]
    town.venues.append(venue)
    town.zones[venue] = "Europe/Berlin"
    town.events += [make.venue_updated(town.tenant, venue), *small]
    await counted(town)

    await run(town.tenant, moment)

    await town.assert_exact(as_admin, moment)
    assert await counted_at(as_admin, town.tenant) == {moment}


async def test_a_venue_that_falls_below_five_customers_is_scored_by_fixed_bounds(
    as_admin, run, handler, counted
):
    town = Town(7)
    venue, moment, orders = uuid4(), town.start + DAY, [uuid4() for _ in range(5)]
    sales = [bought(town.tenant, venue, uuid4(), order, at=town.start - DAY) for order in orders]
    town.venues.append(venue)
    town.zones[venue] = "Europe/Berlin"
    town.events += [make.venue_updated(town.tenant, venue), *sales]
    await counted(town)
    cancelled = make.order_cancelled(town.tenant, venue, orders[0], at=moment)
    town.events.append(cancelled)
    await record(handler, [cancelled])

    await run(town.tenant, moment)

    await town.assert_exact(as_admin, moment)
    assert len(await comparing.stored_people(as_admin, town.tenant, venue)) == 4
