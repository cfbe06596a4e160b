"""Use case: carry what events say about tickets into the tables, whatever was known before."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.tickets import sums_store
from services.metrics.tickets.facts import Scan, Ticket
from services.metrics.tickets.scan_store import keep_new
from services.metrics.tickets.store import TicketStore
from services.metrics.tickets.sums import Deltas


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording changed: tickets admitted for the first time, new refusals, and the figures."""

    admitted: list[Ticket]
    refused: list[Scan]
    deltas: Deltas


def merged(statements: Iterable[Ticket]) -> dict[UUID, Ticket]:
    """One ticket an id, saying all that the statements say."""
    tickets: dict[UUID, Ticket] = {}
    for statement in statements:
        known = tickets.get(statement.ticket_id)
        tickets[statement.ticket_id] = statement if known is None else known.merged(statement)
    return tickets


async def record_tickets(
    conn: Connection, tenant_id: UUID, scans: Collection[Scan], statements: Iterable[Ticket]
) -> Recorded:
    """Keep scans, merge statements into the tickets and carry the difference into the sums.

    The order of arrival does not matter, and recording a scan or a statement again changes nothing.

    Args:
        conn: The tenant's open transaction.
        tenant_id: The tenant.
        scans: All scans, the refused ones included.
        statements: What scans, transfers, offers and resales say about tickets.
    """
    deltas = Deltas()
    kept = await keep_new(conn, tenant_id, scans) if scans else frozenset()
    refused = [scan for scan in scans if scan.is_refused and scan.scan_id in kept]
    for scan in scans:
        deltas.scan(scan)
    for scan in refused:
        deltas.refuse(scan)
    admitted = await _restate(TicketStore(conn, tenant_id), merged(statements), deltas)
    await sums_store.add(conn, tenant_id, deltas)
    return Recorded(admitted, refused, deltas)


async def _restate(store: TicketStore, tickets: dict[UUID, Ticket], deltas: Deltas) -> list[Ticket]:
    """Write tickets and note what that changes; returns those without an admission before."""
    if not tickets:
        return []
    new = await store.insert_new(tickets.values())
    known = await store.lock(tickets.keys() - new) if len(new) < len(tickets) else []
    changes: list[tuple[Ticket | None, Ticket]] = [(None, tickets[ticket_id]) for ticket_id in new]
    restated = [(before, before.merged(tickets[before.ticket_id])) for before in known]
    restated = [(before, after) for before, after in restated if before != after]
    if restated:
        await store.update([after for _, after in restated])
    changes += restated
    for before, after in changes:
        deltas.replace(before, after)
    return [
        after
        for before, after in changes
        if after.admission is not None and (before is None or before.admission is None)
    ]
