"""Churn, which two services of the contract answer about."""

from services.customers.churn.answers import ChurnAnswers
from services.customers.churn.options import ChurnOptions
from services.customers.churn.risk import ChurnRisk
from services.customers.engines import Engines
from services.customers.models.registry import ModelRegistry
from services.customers.people.reader import PeopleReader


def churn_answers(engines: Engines) -> ChurnAnswers:
    """What is foretold of single customers, over this process's stores."""
    return ChurnAnswers(
        engines.database,
        engines.venues,
        ModelRegistry(engines.database, engines.venues),
        PeopleReader(engines.database),
        ChurnOptions.of(engines.settings),
    )


def churn_risk(engines: Engines) -> ChurnRisk:
    """Lists of customers at risk, over this process's stores."""
    return ChurnRisk(
        engines.database,
        engines.venues,
        ModelRegistry(engines.database, engines.venues),
        PeopleReader(engines.database),
        pages=engines.pages,
        options=ChurnOptions.of(engines.settings),
    )
