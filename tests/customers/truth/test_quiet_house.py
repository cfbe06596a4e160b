"""A house where nothing changes: findings are chance, and no more of them than stated."""

from collections import Counter
from dataclasses import replace

import pytest
from scipy import stats

from deploy.local.simulator.patrons.playing import play
from deploy.local.simulator.patrons.profiles import QUIET
from deploy.local.simulator.world import Ids
from services.customers.insights.false_positives import FALSE_DISCOVERY_RATE
from services.customers.insights.generators.registry import GENERATORS, find, fresh
from services.customers.insights.vocabulary import InsightType
from tests.customers.truth.conftest import ANCHOR, TENANT
from tests.customers.truth.naive_facts import NaiveFacts

pytestmark = pytest.mark.timeout(300)  # thousands of lives are played
SEEDS = 16


@pytest.fixture(scope="module")
def refreshes():
    """What refreshes of quiet houses find, each of another seed, and the types that were tested."""
    found, tested = [], Counter()
    for seed in range(SEEDS):
        naive = NaiveFacts(play(Ids(TENANT, seed), QUIET, ANCHOR))
        facts = replace(naive.facts(), good=naive.good_segments())
        found.append(find(facts, fresh(facts)))
        tested.update({one.type for generator in GENERATORS for one in generator(facts)})
    return found, tested


def test_a_quiet_house_finds_anything_at_most_at_the_stated_rate(refreshes):
    found, _ = refreshes

    loud = sum(1 for refreshed in found if refreshed.findings)

    # Above this many of 16 the rate is higher than stated, but for 1 chance in 1,000.
    assert loud <= stats.binom.ppf(0.999, SEEDS, FALSE_DISCOVERY_RATE)


def test_quiet_houses_were_looked_at_in_every_way_but_two(refreshes):
    """Nothing is tested of prices that never rose, and of a feed that never fell silent."""
    _, tested = refreshes

    assert set(tested) == set(InsightType) - {InsightType.DATA_FRESHNESS, InsightType.PRICE_RESISTANCE}
    assert min(tested.values()) > SEEDS / 2
