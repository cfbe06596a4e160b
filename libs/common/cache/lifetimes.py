"""Every kind of cached answer: how long it may live, and which changes end its life before."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Lifetime:
    """One namespace of cached answers.

    Args:
        service: Who computes and caches it.
        namespace: First part of the namespace; a service may add `:<venue id>` to invalidate more finely.
        ttl: Longest time an answer is served.
        invalidated_by: Changes after which the service bumps the namespace.
    """

    service: str
    namespace: str
    ttl: timedelta
    invalidated_by: str


SERIES = Lifetime("metrics", "series", timedelta(seconds=60), "recorded metrics of the venue")
AGGREGATE = Lifetime("metrics", "aggregate", timedelta(seconds=60), "recorded metrics of the venue")
LIVE = Lifetime("metrics", "live", timedelta(seconds=5), "recorded metrics and sales of the venue")
REVENUE = Lifetime("metrics", "revenue", timedelta(minutes=5), "order events of the tenant")
CAPACITY = Lifetime("metrics", "capacity", timedelta(minutes=5), "order and ticket type events of the venue")
VISITS = Lifetime("metrics", "visits", timedelta(minutes=5), "page, cart, checkout and order events")
TICKETS = Lifetime("metrics", "tickets", timedelta(minutes=5), "scan, transfer, resale and order events")
MARKETPLACE = Lifetime("metrics", "marketplace", timedelta(minutes=5), "listing and resale events")
FACTS = Lifetime("metrics", "facts", timedelta(minutes=5), "any platform event of the venue")
PROJECTIONS = Lifetime("metrics", "projections", timedelta(hours=24), "nothing: keys hash the history")
BASELINES = Lifetime(
    "customers", "baselines", timedelta(hours=1), "nothing: what is usual at a venue moves slowly"
)
CUSTOMER_FACTS = Lifetime(
    "customers", "facts", timedelta(minutes=5), "any platform event of the venue, and calculations about it"
)
CATALOG = Lifetime("metrics", "catalog", timedelta(minutes=10), "venue, event and ticket type events")

LIFETIMES = (
    SERIES,
    AGGREGATE,
    LIVE,
    REVENUE,
    CAPACITY,
    VISITS,
    TICKETS,
    MARKETPLACE,
    FACTS,
    PROJECTIONS,
    BASELINES,
    CUSTOMER_FACTS,
    CATALOG,
)

# The longest an answer of any namespace may live; versions of namespaces outlive it.
LONGEST = timedelta(hours=24)
