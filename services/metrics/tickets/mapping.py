"""Ticket status as messages of the contract."""

from collections.abc import Sequence

from tickettoken.metrics.v1 import marketplace_pb2

from libs.common.moments import timestamp_of
from services.metrics.orders.sums import NO_ID
from services.metrics.tickets.status_store import StatusRow


def page_message(rows: Sequence[StatusRow], next_page_token: str) -> marketplace_pb2.GetTicketStatusResponse:
    facts = [row.newest_fact_at for row in rows if row.newest_fact_at is not None]
    return marketplace_pb2.GetTicketStatusResponse(
        tickets=[_status_message(row) for row in rows],
        next_page_token=next_page_token,
        as_of=timestamp_of(max(facts, default=None)),
    )


def _status_message(row: StatusRow) -> marketplace_pb2.TicketStatus:
    return marketplace_pb2.TicketStatus(
        event_id=str(row.event_id),
        event_name=row.event_name or "",
        ticket_type_id="" if row.ticket_type_id == NO_ID else str(row.ticket_type_id),
        ticket_type_name=row.ticket_type_name,
        capacity_count=row.capacity_count,
        held_count=row.held_count,
        available_count=row.available_count,
        sold_count=row.sold_count,
        refunded_count=row.refunded_count,
        transferred_count=row.transferred_count,
        listed_count=row.listed_count,
        resold_count=row.resold_count,
        scanned_count=row.scanned_count,
    )
