"""A whole run, as the process that calculates does it: fits, choices, refusals, figures and rows."""

import io
import json
import struct
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest

from services.customers.lifetime.answering import answer
from services.customers.lifetime.gamma_gamma import expected_spend
from services.customers.lifetime.selection import CANDIDATES
from services.customers.lifetime.summaries import Summaries
from services.customers.lifetime.worker import answers
from tests.customers.lifetime.histories import START, Row, copy_file, drawn_rows

BIG, SMALL = UUID(int=101), UUID(int=102)
TENANT = UUID(int=0)
AS_OF = START + timedelta(days=401)


def run(rows, *, least_repeaters=200, venues=(BIG, SMALL), as_of=AS_OF, horizon_days=365):
    """Places by venue, and stored rows by venue and customer."""
    question = {
        "venues": [str(venue) for venue in venues],
        "zones": ["UTC"] * len(venues),
        "as_of": as_of.isoformat(),
        "horizon_days": horizon_days,
        "least_repeaters": least_repeaters,
    }
    out = io.BytesIO()
    answer(answers, io.BytesIO(json.dumps(question).encode() + b"\n" + copy_file(rows)), out)
    out.seek(0)
    while "places" not in (message := json.loads(out.readline())):
        assert 0 <= message["share"] <= 1
    values = defaultdict(list)
    while count := json.loads(out.readline())["bytes"]:
        for venue, customer, *rest in unpacked(out.read(count)):
            values[UUID(bytes=venue), UUID(bytes=customer)].append(rest)
    assert out.read() == b""
    return {UUID(one["venue_id"]): one for one in message["places"]}, dict(values)


def unpacked(block):
    """Rows of a COPY as lists: venue, customer, currency, and then the figures of the stage's columns."""
    kinds = (None, None, None, ">?", ">i", ">q", ">q", ">q", ">q", ">d", ">d", None, ">q")
    at = 0
    while at < len(block):
        (count,) = struct.unpack_from(">h", block, at)
        assert count == len(kinds)
        at, row = at + 2, []
        for kind in kinds:
            (length,) = struct.unpack_from(">i", block, at)
            piece = block[at + 4 : at + 4 + max(length, 0)]
            row.append(None if length == -1 else piece if kind is None else struct.unpack(kind, piece)[0])
            at += 4 + max(length, 0)
        yield row


@pytest.fixture(scope="module")
def two_venues():
    """A big venue, and a small one whose customers are few; some of the big one's pay in dollars."""
    rows = drawn_rows(
        900,
        7,
        venue_of=lambda number: 1 if number % 9 == 0 else 0,
        currency_of=lambda number: "USD" if number % 10 == 3 else "EUR",
    )
    return rows, *run(rows)


def entries_of(place, kind, **wanted):
    return [
        one
        for one in place["entries"]
        if one["kind"] == kind and all(one[name] == value for name, value in wanted.items())
    ]


def test_a_venue_with_enough_repeaters_has_a_fit_of_its_own_and_a_smaller_one_the_tenants(two_venues):
    _, places, _ = two_venues

    assert set(places) == {TENANT, BIG, SMALL}
    assert places[BIG]["repeater_count"] >= 200 > places[SMALL]["repeater_count"]
    (tenant,) = entries_of(places[TENANT], "purchases", is_serving=True)
    (big,) = entries_of(places[BIG], "purchases", is_serving=True)
    (small,) = entries_of(places[SMALL], "purchases", is_serving=True)
    assert (big["fitted_on"], small["fitted_on"]) == ("venue", "tenant")
    assert small["parameters"] == tenant["parameters"] != big["parameters"]
    assert small["customer_count"] == places[SMALL]["customer_count"] < tenant["customer_count"]
    assert small["hold_out"]["actual_total"] < tenant["hold_out"]["actual_total"]


def test_spend_is_fitted_by_currency_and_borrowed_where_too_few_paid_in_it(two_venues):
    _, places, _ = two_venues

    (dollars,) = entries_of(places[BIG], "spend", currency="USD")
    (euros,) = entries_of(places[BIG], "spend", currency="EUR")
    (tenants,) = entries_of(places[TENANT], "spend", currency="USD")

    assert (dollars["fitted_on"], euros["fitted_on"]) == ("tenant", "venue")
    assert dollars["parameters"] == tenants["parameters"]


def test_the_candidate_with_the_least_error_on_held_out_time_serves(two_venues):
    rows, places, _ = two_venues
    place = places[TENANT]

    tried = {one["name"]: one for one in entries_of(place, "purchases")}
    (serving,) = [one for one in tried.values() if one["is_serving"]]

    assert set(tried) == {model.name for model in CANDIDATES}
    fitted = [one for one in tried.values() if one["parameters"]]
    least = min(one["hold_out"]["root_mean_square_error"] for one in fitted)
    assert serving["hold_out"]["root_mean_square_error"] == least
    assert serving["held_out_days"] == 200
    assert (serving["first_day"], serving["last_day"]) == ("2024-01-01", "2025-02-04")
    assert_hold_out(rows, serving)


def assert_hold_out(rows, serving):
    """The figures of the comparison from plain loops over the purchases."""
    days = defaultdict(set)
    for row in rows:
        days[row.customer].add((row.sold_at - START).days)
    last = 400 - 200
    known = {customer: own for customer, own in days.items() if min(own) <= last}
    before = {customer: {day for day in own if day <= last} for customer, own in known.items()}
    seen = Summaries(
        np.array([len(own) - 1.0 for own in before.values()]),
        np.array([(max(own) - min(own)) / 7 for own in before.values()]),
        np.array([(last - min(own)) / 7 for own in before.values()]),
        np.ones(len(before)),
    )
    (model,) = [one for one in CANDIDATES if one.name == serving["name"]]
    at = np.array([serving["hold_out"][f"before_{name}"] for name in model.parameters])
    actual = np.array([len({day for day in own if last < day <= 400}) for own in known.values()])
    errors = model.expected(at, seen, 200 / 7) - actual
    assert serving["hold_out"]["actual_total"] == actual.sum()
    assert serving["hold_out"]["mean_absolute_error"] == pytest.approx(np.abs(errors).mean())
    assert serving["hold_out"]["root_mean_square_error"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert serving["hold_out"]["before_log_likelihood"] == pytest.approx(
        model.log_likelihood(at, seen).sum(), rel=1e-9
    )


def test_a_customers_value_is_purchases_times_spend_of_the_serving_fits(two_venues):
    rows, places, values = two_venues
    bought = defaultdict(list)
    for row in rows:
        if row.venue == 0:
            bought[row.customer].append(row)
    (fit,) = entries_of(places[BIG], "purchases", is_serving=True)
    (model,) = [one for one in CANDIDATES if one.name == fit["name"]]
    at = np.array([fit["parameters"][name] for name in model.parameters])

    for customer, own in list(bought.items())[:60]:
        ((currency, is_main, count, historic, expected, low, high, ahead, alive, name, _),) = values[
            BIG, customer
        ]
        days = sorted({(row.sold_at - START).days for row in own})
        seen = Summaries(
            *(
                np.array([float(one)])
                for one in (len(days) - 1, (days[-1] - days[0]) / 7, (400 - days[0]) / 7, 1)
            )
        )
        (paid,) = entries_of(places[BIG], "spend", currency=currency.decode())
        later = [row.spend for row in own if (row.sold_at - START).days > days[0]]
        mean = sum(later) / max(len(days) - 1, 1)
        spend = expected_spend(
            np.array([paid["parameters"][one] for one in ("p", "q", "gamma")]), seen.repeats, np.array([mean])
        )
        assert (is_main, count, historic) == (True, len(own), sum(row.spend for row in own))
        assert ahead == pytest.approx(model.expected(at, seen, 365 / 7)[0])
        assert alive == pytest.approx(model.alive(at, seen)[0])
        assert expected == round(float(ahead * spend[0]))
        assert low <= expected <= high
        assert name.decode() == fit["name"]


def test_figures_are_those_of_the_rows(two_venues):
    _, places, values = two_venues

    for venue in (TENANT, BIG, SMALL):
        stored = [row for (at, _), rows in values.items() for row in rows if at == venue]
        for currency, figures in places[venue]["figures"].items():
            own = [row for row in stored if row[0].decode() == currency]
            historic = [row[3] for row in own]
            assert figures["historic"]["total"] == sum(historic)
            assert figures["historic"]["quantiles"] == [
                [share, round(float(np.quantile(historic, share)))]
                for share in (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
            ]
            edges = figures["historic"]["edges"]
            bins = Counter(sum(edge <= amount for edge in edges) for amount in historic)
            assert figures["historic"]["counts"] == [bins[place] for place in range(len(edges) + 1)]
            assert figures["purchase_count"] == sum(row[2] for row in own)
            assert figures["expected"]["total"] == pytest.approx(sum(row[4] for row in own), abs=len(own))
            low, high = figures["interval"]
            assert low < figures["expected"]["total"] < high
        assert places[venue]["row_count"] == len(stored)


def test_shuffled_rows_give_the_very_same_answer(two_venues):
    rows, places, values = two_venues
    order = np.random.default_rng(1).permutation(len(rows))

    again = run([rows[place] for place in order])

    assert again == (places, values)


def test_the_only_venue_is_served_by_what_serves_the_tenant():
    rows = drawn_rows(400, 11)

    places, values = run(rows, venues=(BIG,))

    tenant, venue = places[TENANT], places[BIG]
    assert venue["figures"] == tenant["figures"]
    assert {one["fitted_on"] for one in venue["entries"]} == {"venue"}
    assert all(values[BIG, customer] == values[TENANT, customer] for _, customer in values)


def test_too_few_repeaters_are_refused_and_history_is_told():
    rows = [Row(0, UUID(int=n), START + timedelta(days=n % 300), spend=500 + n) for n in range(200)]

    places, values = run(rows, venues=(BIG,))

    assert (places[BIG]["refusal"], places[TENANT]["refusal"]) == ("NOT_ENOUGH_HISTORY",) * 2
    assert not any(one["is_serving"] for one in places[BIG]["entries"])
    assert places[BIG]["figures"]["EUR"].keys() == {"customer_count", "purchase_count", "historic"}
    ((currency, is_main, count, historic, *expected, _newest),) = values[BIG, UUID(int=7)]
    assert (currency, is_main, count, historic) == (b"EUR", True, 1, 507)
    assert expected == [None] * 6


def test_a_short_history_is_refused():
    rows = [
        replace(row, sold_at=START + timedelta(days=(row.sold_at - START).days % 50))
        for row in drawn_rows(300, 12)
    ]

    places, _ = run(rows, venues=(BIG,), as_of=START + timedelta(days=51))

    assert places[BIG]["refusal"] == "NOT_ENOUGH_HISTORY"
    assert "56 days" in places[BIG]["refusal_message"]


def test_customers_whom_nothing_ever_loses_fix_no_model():
    chance = np.random.default_rng(4)
    rows = []
    for number in range(500):
        rate = chance.gamma(3.0, 1 / 60)
        days = np.flatnonzero(chance.random(401) < 1 - np.exp(-rate)).tolist()
        rows += [Row(0, UUID(int=number), START + timedelta(days=day), spend=900) for day in days]

    places, values = run(rows, venues=(BIG,))

    assert places[BIG]["refusal"] == "MODEL_NOT_IDENTIFIABLE"
    assert places[BIG]["refusal_message"]
    assert all(row[0][4] is None for row in values.values())


def test_a_tenant_without_purchases_has_no_places():
    assert run([]) == ({}, {})


def test_purchases_of_the_running_day_count_as_history_only():
    rows = [*drawn_rows(400, 11), Row(0, UUID(int=5), AS_OF, spend=4200)]

    places, values = run(rows, venues=(BIG,))

    ((_, _, count, historic, expected, *_rest),) = values[BIG, UUID(int=5)]
    assert (count, historic, expected) == (1, 4200, None)
    assert places[BIG]["customer_count"] == 400
