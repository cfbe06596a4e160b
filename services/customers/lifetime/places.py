"""A tenant's purchases taken apart: those of the tenant as a whole first, then those of each venue."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from services.customers.lifetime.accounts import Place, place_of
from services.customers.lifetime.purchases import Purchases, last_whole_day, local_days
from services.customers.lifetime.summaries import Codes
from services.customers.models.entry import WHOLE_TENANT


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """What is known of the tenant or of a venue with a purchase.

    Attributes:
        venue_id: The venue, or what stands for the tenant.
        rows: The purchases made there.
        place: Its customers; of a tenant's only venue the very object that the tenant has.
        end: Last day of the histories (`date.toordinal`).
        share: How much of all places come before it, 0 to 1.
    """

    venue_id: UUID
    rows: Codes
    place: Place
    end: int
    share: float


def located(
    purchases: Purchases, codes: Codes, venues: Mapping[UUID, ZoneInfo], as_of: datetime
) -> Iterator[Located]:
    """The tenant first, then each venue with a purchase; nothing without purchases.

    Args:
        purchases: The tenant's.
        codes: Who bought each.
        venues: Clock of each, in the order by which purchases name them.
        as_of: Days that are over at this moment are observed.
    """
    present = np.unique(purchases.venue).tolist()
    if not present:
        return
    ids, clocks = list(venues), list(venues.values())
    days = local_days(purchases, clocks)
    ends = [last_whole_day(as_of, clock).toordinal() for clock in clocks]
    every, end = np.arange(len(purchases)), min(ends[venue] for venue in present)
    whole = Located(WHOLE_TENANT, every, place_of(purchases, codes, days, every, end=end), end, 0.0)
    yield whole
    if len(present) == 1:
        yield replace(whole, venue_id=ids[present[0]], share=0.5)
        return
    for number, venue in enumerate(present, start=1):
        rows = np.flatnonzero(purchases.venue == venue)
        place = place_of(purchases, codes, days, rows, end=ends[venue])
        yield Located(ids[venue], rows, place, ends[venue], number / (len(present) + 1))
