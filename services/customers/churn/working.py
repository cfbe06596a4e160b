"""Runs with what follows them, put together from what a process shares."""

from services.customers.churn.options import ChurnOptions
from services.customers.churn.runs import ChurnRuns
from services.customers.engines import Engines
from services.customers.segments.members import Members


def runs_of(engines: Engines) -> ChurnRuns:
    """Whole runs, which keep the members of segments current."""
    return ChurnRuns(engines.database, engines.cache, Members(), ChurnOptions.of(engines.settings))
