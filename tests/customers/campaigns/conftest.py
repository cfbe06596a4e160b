"""A venue with campaigns."""

from uuid import uuid4

import pytest

from services.customers.touchpoints.consumer import Touchpoints
from services.customers.touchpoints.store import TouchpointStore
from tests.customers.marketing import Marketing


@pytest.fixture
async def marketing(handler, mongo, hiding, cache):
    touchpoints = Touchpoints(TouchpointStore(mongo), hiding, cache).handler()
    marketing = Marketing(uuid4(), uuid4(), handler, touchpoints)
    await marketing.opened()
    return marketing
