"""Houses whose truth is known, played once for all tests that compare estimates with it."""

from datetime import date
from uuid import UUID

import pytest

from deploy.local.simulator.patrons.playing import play
from deploy.local.simulator.patrons.profiles import LARGE
from deploy.local.simulator.patrons.truth import PatronTruth
from deploy.local.simulator.world import Ids

ANCHOR = date(2026, 3, 30)
TENANT = UUID("66666666-6666-4666-8666-666666666666")


@pytest.fixture(scope="session")
def house():
    """Thousands of patrons of four habits, and five channels of which three do something."""
    return play(Ids(TENANT, 7), LARGE, ANCHOR)


@pytest.fixture(scope="session")
def truth(house):
    return PatronTruth(house)
