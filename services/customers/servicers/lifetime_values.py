"""Lifetime values, which three services of the contract answer about."""

from services.customers.engines import Engines
from services.customers.lifetime.answers import LifetimeValues
from services.customers.models.registry import ModelRegistry
from services.customers.people.reader import PeopleReader
from services.customers.purchases.reader import PurchaseReader


def lifetime_values(engines: Engines) -> LifetimeValues:
    """The use cases over this process's stores."""
    return LifetimeValues(
        engines.database,
        engines.venues,
        ModelRegistry(engines.database, engines.venues),
        PeopleReader(engines.database),
        PurchaseReader(engines.database),
    )
