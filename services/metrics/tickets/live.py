"""Scans as values of live metrics."""

from typing import Final

from libs.common.buckets import microseconds
from services.metrics.live.keys import LiveKey
from services.metrics.live.values import LiveValue
from services.metrics.tickets.facts import Scan, Ticket

TICKETS_ADMITTED: Final = "tickets_admitted"
SCANS_REFUSED: Final = "scans_refused"


def live_admission(ticket: Ticket) -> LiveValue | None:
    """What a ticket's first admission counts towards the live metrics of its venue; None without one."""
    if ticket.admission is None:
        return None
    return LiveValue(LiveKey(ticket.place.venue_id, TICKETS_ADMITTED), microseconds(ticket.admission.at), 1.0)


def live_refusal(scan: Scan) -> LiveValue:
    """What a refused scan counts towards the live metrics of its venue."""
    return LiveValue(LiveKey(scan.venue_id, SCANS_REFUSED), microseconds(scan.at), 1.0)
