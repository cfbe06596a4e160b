"""Generators that look at shows: empty seats, prices that rose, and pace."""

from collections import Counter
from statistics import median
from uuid import UUID

import numpy as np
import pytest

from services.customers.insights.facts import (
    ListPrice,
    TypeSales,
)
from services.customers.insights.generators import (
    no_show_rise,
    pacing_behind,
    price_resistance,
)
from services.customers.insights.generators.registry import find, fresh
from services.customers.insights.vocabulary import InsightType
from tests.customers.insights.finding import found_types
from tests.customers.insights.quiet import (
    DAY,
    END,
    quiet_doors,
    quiet_prices,
    quiet_shows,
    quiet_venue,
)


def test_more_empty_seats_than_before_are_noticed_and_unscanned_shows_left_out(generator):
    doors = quiet_doors(generator)
    emptier = [
        show._replace(admitted_count=int(show.admitted_count * 0.9)) if show.day >= END - 28 * DAY else show
        for show in doors
    ]
    unscanned = [show._replace(admitted_count=0) if show.day >= END - 28 * DAY else show for show in doors]

    assert found_types(quiet_venue(11, doors=emptier)) == {InsightType.NO_SHOW_RISE}
    assert no_show_rise.candidates(quiet_venue(11, doors=unscanned)) == []


def test_a_type_that_stops_selling_after_its_price_rose_is_noticed():
    generator = np.random.default_rng(12)
    resisted = quiet_prices(generator, shows=1, fall=0.3)

    facts = quiet_venue(11, **resisted)

    [finding] = find(facts, fresh(facts)).findings
    sold = Counter()
    dear = UUID(finding.candidate.subject)
    for sales in resisted["type_sales"]:
        sold[sales.ticket_type_id == dear, sales.day >= END - 14 * DAY] += sales.ticket_count
    assert finding.candidate.type is InsightType.PRICE_RESISTANCE
    assert finding.candidate.evidence.value == pytest.approx(
        sold[True, True] / (sold[True, True] + sold[False, True])
    )


def test_a_type_that_sells_nothing_at_its_new_price_is_noticed_by_its_list_price():
    generator = np.random.default_rng(12)
    prices = quiet_prices(generator, shows=1)
    dear = prices["type_sales"][0].ticket_type_id
    sold = [
        sales for sales in prices["type_sales"] if sales.ticket_type_id != dear or sales.day < END - 14 * DAY
    ]
    listed = prices["list_prices"] | {dear: ListPrice(9_000, END - 14 * DAY)}

    [candidate] = price_resistance.candidates(quiet_venue(1, type_sales=sold, list_prices=listed))

    assert candidate.subject == str(dear)
    assert candidate.evidence.value == 0
    assert candidate.evidence.p_value < 0.001


def test_types_whose_price_did_not_rise_or_that_stand_alone_are_not_tested():
    generator = np.random.default_rng(12)
    prices = quiet_prices(generator, shows=1)
    steady = [sales._replace(unit_minor=5_000) for sales in prices["type_sales"]]
    alone = [
        TypeSales(sales.event_id, prices["type_sales"][0].ticket_type_id, sales.day, 5_000, 3)
        for sales in prices["type_sales"]
    ]

    assert price_resistance.candidates(quiet_venue(1, type_sales=steady)) == []
    assert price_resistance.candidates(quiet_venue(1, type_sales=alone, list_prices={})) == []


def test_a_show_far_behind_every_comparable_one_is_named(generator):
    shows = quiet_shows(generator)
    slow = min(
        (show for show in shows if show.doors_at > quiet_venue(1).until), key=lambda show: show.doors_at
    )
    behind = slow._replace(sold={lead: tickets // 20 for lead, tickets in slow.sold.items()})
    facts = quiet_venue(11, shows=[behind if show is slow else show for show in shows])

    [finding] = find(facts, fresh(facts)).findings

    candidate = finding.candidate
    lead = -((facts.until - slow.doors_at) // DAY)
    past = sorted((show for show in shows if show.doors_at <= facts.until), key=lambda show: show.doors_at)[
        -20:
    ]
    parts = [sum(n for days, n in show.sold.items() if days >= lead) / 1000 for show in past]
    assert (candidate.type, candidate.subject) == (InsightType.PACING_BEHIND, str(slow.event_id))
    assert candidate.evidence.comparison_value == pytest.approx(median(parts))
    assert candidate.evidence.comparison_count == 20
    assert candidate.expires_at == slow.doors_at


def test_shows_without_enough_comparables_are_not_compared(generator):
    shows = quiet_shows(generator)
    until = quiet_venue(1).until
    few = [show for show in shows if show.doors_at > until] + [
        show for show in shows if show.doors_at <= until
    ][:7]
    other = [
        show._replace(genre="jazz", doors_at=show.doors_at + DAY) for show in shows if show.doors_at > until
    ]

    assert pacing_behind.candidates(quiet_venue(1, shows=few)) == []
    assert (
        pacing_behind.candidates(
            quiet_venue(1, shows=[*other, *(show for show in shows if show.doors_at <= until)])
        )
        == []
    )
