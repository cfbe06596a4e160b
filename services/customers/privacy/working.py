"""Puts an erasure's work together from the service's stores."""

from functools import partial

from libs.common.postgres.maintenance import refresh
from services.customers.engines import SERVICE, Engines
from services.customers.privacy.announcing import ERASURE_KEY
from services.customers.privacy.cached_answers import forget_answers
from services.customers.privacy.cleaning import Cleaning
from services.customers.privacy.documents import PersonalDocuments

VIEWS = ("customer_360_materialized", "user_dashboard_materialized")


def cleaning_of(engines: Engines) -> Cleaning:
    """The work behind erasures, on the stores of this process."""

    async def views() -> None:
        for view in VIEWS:
            await refresh(engines.worker_database, view)

    return Cleaning(
        engines.database,
        engines.seal(ERASURE_KEY),
        views=views,
        documents=PersonalDocuments(engines.mongo).forget,
        answers=partial(forget_answers, engines.cache, engines.redis, SERVICE),
    )
