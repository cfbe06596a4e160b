"""Scoring with what follows it, put together from what a process shares."""

from services.customers.engines import Engines
from services.customers.rfm.rescoring import Rescoring
from services.customers.rfm.runs import ScoringRuns
from services.customers.segments.members import Members


def runs_of(engines: Engines) -> ScoringRuns:
    """Whole runs, which keep the members of segments current."""
    window_days = engines.settings.rfm_window_days or None
    return ScoringRuns(engines.database, engines.cache, Members(), window_days=window_days)


def rescoring_of(engines: Engines) -> Rescoring:
    """Scoring between runs, which keeps the members of segments current."""
    window_days = engines.settings.rfm_window_days or None
    return Rescoring(engines.database, engines.cache, Members(), window_days=window_days)
