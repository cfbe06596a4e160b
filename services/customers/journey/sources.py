"""Entries that other capabilities keep: sessions and touchpoints."""

from libs.common.context import TenantScope
from services.customers.behavior import reader as behavior
from services.customers.behavior.reader import BehaviorReader, Session
from services.customers.journey.entries import Entry, Kind, Stretch
from services.customers.touchpoints import reader as touchpoints
from services.customers.touchpoints.documents import Touchpoint
from services.customers.touchpoints.reader import TouchpointReader


class Sessions:
    """Sessions as entries."""

    def __init__(self, behavior: BehaviorReader) -> None:
        self._behavior = behavior

    async def entries(self, _scope: TenantScope, stretch: Stretch) -> list[Entry]:
        """Sessions that began in the stretch, in the order of places.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        after = stretch.after
        sessions = await self._behavior.sessions(
            stretch.customer_id,
            venue_ids=[stretch.venue_id],
            window=stretch.window,
            before=None if after is None else behavior.Before(after.at, after.key_of(Kind.SESSION)),
            limit=stretch.limit,
        )
        return [_session_entry(session) for session in sessions]


class Touchpoints:
    """Touchpoints as entries."""

    def __init__(self, touchpoints: TouchpointReader) -> None:
        self._touchpoints = touchpoints

    async def entries(self, scope: TenantScope, stretch: Stretch) -> list[Entry]:
        """Touchpoints of the stretch that name the person, in the order of places.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        after = stretch.after
        before = touchpoints.Before(stretch.window.end, "")
        if after is not None:
            before = touchpoints.Before(after.at, after.key_of(Kind.TOUCHPOINT))
        found = await self._touchpoints.of_person(
            scope,
            stretch.venue_id,
            stretch.customer_id,
            before,
            stretch.limit,
            since=stretch.window.start,
        )
        return [_touch_entry(touchpoint) for touchpoint in found]


def _session_entry(session: Session) -> Entry:
    return Entry(
        session.started_at,
        Kind.SESSION,
        session.key,
        session.session_id,
        session_id=session.session_id,
        session=session,
    )


def _touch_entry(touchpoint: Touchpoint) -> Entry:
    return Entry(
        touchpoint.at,
        Kind.TOUCHPOINT,
        touchpoint.touchpoint_id,
        touchpoint.touchpoint_id,
        session_id=touchpoint.session_id,
        channel=touchpoint.channel,
        campaign_id="" if touchpoint.campaign_id is None else str(touchpoint.campaign_id),
        action=touchpoint.kind,
    )
