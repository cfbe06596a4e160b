"""The use cases of visits over the session's database."""

from dataclasses import replace

import pytest

from libs.common.bus.consumer import service_caller
from libs.common.context import acting_as
from services.metrics.visits.funnel import Funnel, FunnelQuestion
from services.metrics.visits.reader import VisitReader


@pytest.fixture
def reader(database):
    return VisitReader(database)


@pytest.fixture
def funnel(database, venues, cache):
    """Asks for the funnel of a window as a caller of the scope."""
    funnels = Funnel(database, venues, cache)

    async def ask(scope, start, end, venue_id=None, event_id=None):
        with acting_as(replace(service_caller("metrics", scope.tenant_id), scope=scope)):
            return await funnels.answer(scope, FunnelQuestion(start, end, venue_id, event_id))

    return ask
