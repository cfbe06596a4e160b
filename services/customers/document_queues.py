"""The queues that keep documents, put together in one place for the worker's consumers and for `replay`."""

from services.customers.behavior.consumer import Behavior
from services.customers.behavior.store import BehaviorStore
from services.customers.engines import Engines
from services.customers.touchpoints.consumer import Touchpoints
from services.customers.touchpoints.store import TouchpointStore


def behavior_of(engines: Engines) -> Behavior:
    """What keeps sessions."""
    return Behavior(BehaviorStore.of(engines.mongo, engines.settings), engines.hiding)


def touchpoints_of(engines: Engines) -> Touchpoints:
    """What keeps touchpoints."""
    return Touchpoints(TouchpointStore(engines.mongo), engines.hiding, engines.cache)
