"""Seats as messages of the contract."""

from tickettoken.metrics.v1 import capacity_pb2

from libs.common.moments import timestamp_of
from services.metrics.capacity.figures import EventSeats, Seats, TicketTypeSeats
from services.metrics.capacity.report import CapacityReport


def report_message(report: CapacityReport) -> capacity_pb2.GetCapacityMetricsResponse:
    return capacity_pb2.GetCapacityMetricsResponse(
        events=[event_message(event) for event in report.events],
        venue_totals=_figures_message(report.totals),
        as_of=timestamp_of(report.as_of),
    )


def event_message(event: EventSeats) -> capacity_pb2.EventCapacity:
    return capacity_pb2.EventCapacity(
        event_id=str(event.event_id),
        event_name=event.name,
        starts_at=timestamp_of(event.starts_at),
        figures=_figures_message(event.seats),
        ticket_types=[_ticket_type_message(each) for each in event.ticket_types],
    )


def _ticket_type_message(ticket_type: TicketTypeSeats) -> capacity_pb2.TicketTypeCapacity:
    return capacity_pb2.TicketTypeCapacity(
        ticket_type_id="" if ticket_type.ticket_type_id is None else str(ticket_type.ticket_type_id),
        name=ticket_type.name,
        figures=_figures_message(ticket_type.seats),
    )


def _figures_message(seats: Seats) -> capacity_pb2.CapacityFigures:
    return capacity_pb2.CapacityFigures(
        total_count=seats.total,
        held_count=seats.held,
        sold_count=seats.sold,
        available_count=seats.available,
        utilisation_ratio=seats.utilisation,
    )
