"""A tenant's purchases taken apart: those of the tenant as a whole first, then those of each venue."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from services.customers.lifetime.accounts import Place, place_of
from services.customers.lifetime.purchases import Purchases, last_whole_day, local_days
from services.customers.lifetime.summaries import Codes


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """What is known of the tenant or of a venue with a purchase.

    Attributes:
        venue: Its place in the list of venues; None: the tenant as a whole.
        rows: The purchases made there.
        place: Its customers; of a tenant's only venue the very object that the tenant has.
        end: Last day of the histories (`date.toordinal`).
        share: How much of all places come before it, 0 to 1.
    """

    venue: int | None
    rows: Codes
    place: Place
    end: int
    share: float


def located(
    purchases: Purchases, codes: Codes, clocks: Sequence[ZoneInfo], as_of: datetime
) -> Iterator[Located]:
    """The tenant first, then each venue with a purchase; nothing without purchases.

    Args:
        purchases: The tenant's.
        codes: Who bought each.
        clocks: Of the venues.
        as_of: Days that are over at this moment are observed.
    """
    present = np.unique(purchases.venue).tolist()
    if not present:
        return
    days = local_days(purchases, clocks)
    ends = [last_whole_day(as_of, clock).toordinal() for clock in clocks]
    every, end = np.arange(len(purchases)), min(ends[venue] for venue in present)
    whole = Located(None, every, place_of(purchases, codes, days, every, end=end), end, 0.0)
    yield whole
    if len(present) == 1:
        yield replace(whole, venue=present[0], share=0.5)
        return
    for number, venue in enumerate(present, start=1):
        rows = np.flatnonzero(purchases.venue == venue)
        place = place_of(purchases, codes, days, rows, end=ends[venue])
        yield Located(venue, rows, place, ends[venue], number / (len(present) + 1))
