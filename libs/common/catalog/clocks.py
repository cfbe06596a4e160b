"""Whose clock cuts the days of an answer."""

from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.buckets import zone
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope


async def clock_of(
    venues: Venues, scope: TenantScope, venue_ids: Sequence[UUID], *, time_zone: str = ""
) -> ZoneInfo:
    """The clock asked for, or else the venue's where the answer is about one, or else UTC.

    Args:
        venues: Venues of every tenant.
        scope: Whose venues.
        venue_ids: What the answer is about; empty: all that the scope sees.
        time_zone: IANA zone asked for; empty: none.

    Raises:
        InvalidField: The zone is unknown.
        VenueNotFound: The scope does not have one of the venues.
    """
    asked_for = zone(time_zone) if time_zone else None
    found = await venues.require(scope, venue_ids)
    if asked_for is not None:
        return asked_for
    return zone(found[venue_ids[0]].time_zone if len(venue_ids) == 1 else "UTC")
