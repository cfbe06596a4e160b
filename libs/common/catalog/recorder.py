"""Use case: keep what events say about venues, events and ticket types."""

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar
from uuid import UUID

from libs.common.catalog.statement_store import StatementStore
from libs.common.catalog.statements import (
    CancelledEvent,
    EventState,
    NamedEvent,
    Statement,
    TicketTypeState,
    VenueState,
)
from libs.common.postgres.database import Connection

_State = TypeVar("_State", VenueState, EventState, TicketTypeState)


async def record_catalog(
    conn: Connection, tenant_id: UUID, statements: Iterable[Statement], named: Iterable[NamedEvent]
) -> frozenset[UUID]:
    """Keep the newest statement about each thing, in whatever order they come.

    Returns the venues whose answers change beside those of the statements: where a show was stated to be
    before, where one came into being, and where one takes place that facts of another venue name. A show that
    is known and named at its own venue changes nothing here.

    Args:
        conn: The tenant's open transaction, in which all venues are registered.
        tenant_id: The tenant.
        statements: What catalog events say.
        named: Shows that other facts name; those nobody told about yet are made without their details.
    """
    store = StatementStore(conn, tenant_id)
    all_statements = list(statements)
    events = _newest(all_statements, EventState, lambda state: state.event_id)
    cancelled = _latest_cancellations(all_statements)
    ticket_types = _newest(all_statements, TicketTypeState, lambda state: state.ticket_type_id)
    shows = [*named, *(NamedEvent(state.event_id, state.venue_id) for state in ticket_types)]
    restated = {event.event_id for event in events}
    restated.update(one.event_id for one in cancelled)
    restated.update(kind.event_id for kind in ticket_types)
    venue_ids = await store.venues_of_events(restated)
    await store.put_venues(_newest(all_statements, VenueState, lambda state: state.venue_id))
    venue_ids |= await store.name_events(shows)
    await store.put_events(events)
    await store.cancel_events(cancelled)
    await store.put_ticket_types(ticket_types)
    return venue_ids


async def venues_of_events(conn: Connection, tenant_id: UUID, event_ids: Collection[UUID]) -> frozenset[UUID]:
    """Where these shows take place; orders made before a show moved count for the show's new venue, too."""
    return await StatementStore(conn, tenant_id).venues_of_events(event_ids)


def _newest(
    statements: Iterable[Statement], kind: type[_State], key: Callable[[_State], UUID]
) -> list[_State]:
    """One state a thing: the one with the greatest revision."""
    newest: dict[UUID, _State] = {}
    for state in statements:
        if isinstance(state, kind):
            known = newest.get(key(state))
            if known is None or known.revision < state.revision:
                newest[key(state)] = state
    return list(newest.values())


def _latest_cancellations(statements: Iterable[Statement]) -> list[CancelledEvent]:
    cancelled = sorted(
        (statement for statement in statements if isinstance(statement, CancelledEvent)),
        key=lambda statement: statement.cancelled_at,
    )
    return list({statement.event_id: statement for statement in cancelled}.values())
