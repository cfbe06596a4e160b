"""PredictChurn of a running service: stored, computed live, and every refusal with its reason."""

import json
from datetime import UTC, datetime, timedelta
from math import inf
from statistics import mean, median
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from tickettoken.customers.v1 import churn_pb2

from tests.customers.churn.conftest import BOTH, LATE, NEW, REGULAR, SHIFT, ZONES
from tests.customers.lifetime import oracles
from tests.customers.lifetime.histories import START
from tests.metrics.serving import bad_fields, refused

# Grain: the model of purchases that serves a venue.
SERVING = """
select name, parameters::text as parameters
  from models
 where tenant_id = $1 and venue_id = $2 and kind = 'purchases' and is_serving
"""
# Grain: the candidate of churn that serves a venue.
TRIED = """
select hold_out::text from models where tenant_id = $1 and venue_id = $2 and kind = 'churn' and is_serving
"""
STORED = "select * from customer_churn where tenant_id = $1 and venue_id = $2 and customer_id = $3"


def asking(client, venue_id, customer_id, **fields):
    request = churn_pb2.PredictChurnRequest(venue_id=str(venue_id), customer_id=str(customer_id), **fields)
    return client.predictions.PredictChurn(request, metadata=client.metadata)


def history_of(rows, venue, customer):
    """x, t_x and T in weeks, told by a naive count of local days up to yesterday."""
    zone = ZoneInfo(ZONES[venue])
    yesterday = datetime.now(zone).date() - timedelta(days=1)
    own = {
        row.sold_at.astimezone(zone).date() for row in rows if (row.venue, row.customer) == (venue, customer)
    }
    days = sorted(day for day in own if day <= yesterday)
    return len(days) - 1, (days[-1] - days[0]).days / 7, (yesterday - days[0]).days / 7


def silence(serving, history, horizon_days):
    """P(no purchase) as the ratio of two likelihoods, each a mixture that is integrated numerically."""
    at = list(parameters_of(serving).values())

    def likelihood(x, recency, age):
        if serving["name"] == "pareto_nbd":
            return oracles.pareto_likelihood(at, x, recency, age)
        return oracles.geometric_likelihood(at, x, recency, age, lost_at_first=serving["name"] == "mbg_nbd")

    x, recency, age = history
    return likelihood(x, recency, age + horizon_days / 7) / likelihood(x, recency, age)


def parameters_of(serving):
    known = json.loads(serving["parameters"])
    order = ("r", "alpha", "s", "beta") if serving["name"] == "pareto_nbd" else ("r", "alpha", "a", "b")
    return {name: known[name] for name in order}


@pytest.mark.parametrize(("venue", "customer"), [(0, REGULAR), (0, BOTH), (1, BOTH)])
@pytest.mark.parametrize("horizon_days", [7, 200])
async def test_another_horizon_is_computed_from_purchases_up_to_yesterday(
    as_admin, town_client, town, venue, customer, horizon_days
):
    answer = await asking(town_client, town.venue_ids[venue], customer, horizon_days=horizon_days)

    serving = await as_admin.fetchrow(SERVING, town.tenant_id, town.venue_ids[venue])
    expected = silence(serving, history_of(town.rows, venue, customer), horizon_days)
    assert answer.churn_probability == pytest.approx(expected, rel=2e-3)
    assert (answer.basis, answer.model, answer.horizon_days) == ("live", serving["name"], horizon_days)
    assert answer.stored_horizon_days == 90
    assert answer.fitted_on == ("venue" if venue == 0 else "tenant")
    own = [row.sold_at for row in town.rows if (row.venue, row.customer) == (venue, customer)]
    assert answer.last_purchase_time.ToDatetime(UTC) == max(own)
    assert answer.as_of.ToDatetime(UTC) == max(own)


async def test_drivers_of_another_horizon_are_told_against_the_venues_usual_customers(
    as_admin, town_client, town
):
    answer = await asking(town_client, town.venue_ids[0], REGULAR, horizon_days=200)

    serving = await as_admin.fetchrow(SERVING, town.tenant_id, town.venue_ids[0])
    people = {row.customer for row in town.rows if row.venue == 0} - {NEW, LATE}
    shapes = [shape_of(town.rows, 0, person) for person in people]
    usual_gap = median(gap for _, _, gap in shapes if gap is not None)
    own = shape_of(town.rows, 0, REGULAR)
    effects = {}
    for place, name in enumerate(("days_since_last_purchase", "repeat_purchase_days", "mean_gap_days")):
        column = sorted((shape[place] for shape in shapes), key=lambda one: inf if one is None else one)
        others = []
        for quarter in (0.125, 0.375, 0.625, 0.875):
            lent = list(own)
            lent[place] = column[int(quarter * len(column))]
            others.append(silence_of_shape(serving, lent, usual_gap, 200))
        effects[name] = answer.churn_probability - mean(others)
    told = {one.name: (one.value, one.effect) for one in answer.drivers}
    assert told.keys() == {name for name, effect in effects.items() if abs(effect) >= 0.005}
    for name, value in zip(effects, own, strict=True):
        if name in told:
            assert told[name] == (pytest.approx(value), pytest.approx(effects[name], abs=2e-3))
    strengths = [abs(one.effect) for one in answer.drivers]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths


def shape_of(rows, venue, customer):
    """Days since the last purchase day, further purchase days, and the mean days between them."""
    x, recency, age = history_of(rows, venue, customer)
    return round((age - recency) * 7), x, recency * 7 / x if x else None


def silence_of_shape(serving, shape, usual_gap, horizon_days):
    days_since, x, gap = shape
    recency = x * (usual_gap if gap is None else gap) / 7
    return silence(serving, (x, recency, recency + days_since / 7), horizon_days)


async def test_the_longer_the_horizon_the_less_likely_is_silence(town_client, town):
    answers = [
        await asking(town_client, town.venue_ids[0], REGULAR, horizon_days=days)
        for days in (1, 30, 89, 91, 365)
    ]

    chances = [answer.churn_probability for answer in answers]
    assert chances == sorted(chances, reverse=True)
    assert 0 < chances[-1] < chances[0] < 1


async def test_the_usual_horizon_is_the_nightly_runs_answer(as_admin, town_client, town):
    answer = await asking(town_client, town.venue_ids[0], REGULAR)

    (row,) = await as_admin.fetch(STORED, town.tenant_id, town.venue_ids[0], REGULAR)
    assert answer == await asking(town_client, town.venue_ids[0], REGULAR, horizon_days=90)
    assert (answer.basis, answer.horizon_days, answer.stored_horizon_days) == ("stored", 90, 90)
    assert answer.churn_probability == row["probability"]
    assert answer.model == row["model"]
    assert answer.usual_gap_days == row["usual_gap_days"]
    assert answer.has_missed_usual_show == row["has_missed_usual_show"]
    assert answer.computed_time.ToDatetime(UTC) == row["computed_at"]
    drivers = [(one.name, one.value if one.HasField("value") else None, one.effect) for one in answer.drivers]
    assert drivers == [(one["name"], one["value"], one["effect"]) for one in json.loads(row["drivers"])]
    tried = json.loads(await as_admin.fetchval(TRIED, town.tenant_id, town.venue_ids[0]))
    held_out = answer.hold_out
    assert (held_out.horizon_days, held_out.customer_count) == (90, tried["customers"])
    assert (held_out.brier_score, held_out.auc_ratio) == (tried["brier"], tried["auc"])
    assert held_out.base_rate_ratio == tried["actual_share"]
    assert held_out.base_rate_brier_score == tried["base_rate_brier"]
    assert answer.trained_time == answer.computed_time
    assert answer.last_date == (datetime.now(ZoneInfo(ZONES[0])).date() - timedelta(days=1)).isoformat()


async def test_the_usual_gap_is_of_those_who_came_back(town_client, town):
    regular = await asking(town_client, town.venue_ids[0], REGULAR, horizon_days=30)
    once = await asking(town_client, town.venue_ids[1], BOTH, horizon_days=30)

    assert regular.usual_gap_days > 0
    gap = (datetime.now(UTC) - START - SHIFT - timedelta(days=190)).days
    assert regular.has_missed_usual_show == (gap - 1 > regular.usual_gap_days)
    assert not once.HasField("usual_gap_days")
    assert not once.HasField("has_missed_usual_show")


async def test_who_bought_nothing_up_to_yesterday_has_not_enough_history(town_client, town):
    assert await refused(asking(town_client, town.venue_ids[0], NEW)) == (
        "FAILED_PRECONDITION",
        "NOT_ENOUGH_HISTORY",
    )


async def test_other_tenants_and_other_venues_find_nothing(customers_process, town):
    async with customers_process.client(uuid4()) as stranger:
        assert await refused(asking(stranger, town.venue_ids[0], BOTH)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
    async with customers_process.client(town.tenant_id, venue_ids=[town.venue_ids[1]]) as granted:
        assert await refused(asking(granted, town.venue_ids[0], BOTH)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
        assert await refused(asking(granted, town.venue_ids[1], REGULAR)) == (
            "NOT_FOUND",
            "CUSTOMER_NOT_FOUND",
        )
        assert (await asking(granted, town.venue_ids[1], BOTH)).churn_probability > 0


async def test_the_terms_of_a_request_have_bounds(town_client, town):
    who = {"venue_id": str(town.venue_ids[0]), "customer_id": str(uuid4())}

    for field, name, values in (
        ("horizon_days", "horizonDays", (0, 366, -1)),
        ("venue_id", "venueId", ("", "x")),
        ("customer_id", "customerId", ("",)),
    ):
        for value in values:
            request = churn_pb2.PredictChurnRequest(**(who | {field: value}))
            call = town_client.predictions.PredictChurn(request, metadata=town_client.metadata)
            assert await bad_fields(call) == [name]


async def test_a_customer_new_to_the_run_is_foretold_live(town_client, town):
    answer = await asking(town_client, town.venue_ids[0], LATE)

    assert (answer.basis, answer.horizon_days) == ("live", 90)
    assert 0 < answer.churn_probability < 1
