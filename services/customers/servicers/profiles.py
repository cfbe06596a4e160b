"""Profiles, which two services of the contract answer about."""

from services.customers.churn.reader import ChurnReader
from services.customers.engines import Engines
from services.customers.lifetime.reader import LifetimeReader
from services.customers.people.reader import PeopleReader
from services.customers.preferences.preferences import Tastes
from services.customers.profile.profiles import Profiles, Readers
from services.customers.rfm.reader import ScoreReader


def profiles(engines: Engines) -> Profiles:
    """The use cases over this process's stores."""
    people = PeopleReader(engines.database)
    readers = Readers(
        people=people,
        tastes=Tastes(engines.database, people, engines.cache),
        scores=ScoreReader(engines.database),
        values=LifetimeReader(engines.database),
        churn=ChurnReader(engines.database),
    )
    return Profiles(engines.database, engines.venues, engines.cache, readers)
