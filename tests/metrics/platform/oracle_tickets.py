"""What a log of events says about tickets, doors and gates, recomputed in the most naive way."""

from collections import Counter, defaultdict
from datetime import UTC, timedelta
from types import SimpleNamespace

MINUTE = timedelta(minutes=1)


def in_time(log):
    return sorted(log, key=lambda event: (moment(event), event.event_id))


def moment(event):
    return event.occurred_at.ToDatetime(tzinfo=UTC)


def scans(log):
    """Every scan in the order of time, with its event."""
    return [(event, event.ticket_scanned) for event in in_time(log) if event.type == "ticket.scanned"]


def tickets(log):
    """What became of every ticket that any event but a refused scan names."""
    found = defaultdict(
        lambda: SimpleNamespace(type="", admitted_at=None, inside=False, transferred_at=None, resold=False)
    )
    for event in in_time(log):
        kind = event.WhichOneof("payload")
        said = getattr(event, kind)
        if not event.type.startswith("ticket.") or getattr(said, "result", "") == "refused":
            continue
        ticket = found[said.ticket_id]
        ticket.show, ticket.venue = said.event_id, event.venue_id
        ticket.type = getattr(said, "ticket_type_id", "") or ticket.type
        if kind == "ticket_scanned":
            ticket.inside = said.result != "exited"
            if ticket.inside and ticket.admitted_at is None:
                ticket.admitted_at, ticket.gate = moment(event), said.gate
        if kind == "ticket_transferred" and ticket.transferred_at is None:
            ticket.transferred_at = moment(event)
        ticket.resold = ticket.resold or kind == "ticket_resold"
    return found


def house(log, show):
    """Tickets of a show: admitted at least once, inside."""
    of_show = [ticket for ticket in tickets(log).values() if ticket.show == str(show)]
    admitted = sum(ticket.admitted_at is not None for ticket in of_show)
    return admitted, sum(ticket.inside for ticket in of_show)


def gates(log, show, now):
    """By gate: admitted, refused, last scan, and (admitted, refused) of each of the last 30 minutes."""
    seen = defaultdict(lambda: [0, 0, None, [[0, 0] for _ in range(30)]])
    running = now.replace(second=0, microsecond=0)

    def count(gate, at, which):
        gate[which] += 1
        ago = (running - at.replace(second=0, microsecond=0)) // MINUTE
        if 0 <= ago < 30:
            gate[3][29 - ago][which] += 1

    for event, scan in scans(log):
        if scan.event_id == str(show):
            gate = seen[scan.gate]
            gate[2] = moment(event)
            if scan.result == "refused":
                count(gate, moment(event), 1)
    for ticket in tickets(log).values():
        if ticket.show == str(show) and ticket.admitted_at:
            count(seen[ticket.gate], ticket.admitted_at, 0)
    return seen


def status(log):
    """By show and ticket type ("" for none): transferred, listed, resold, scanned."""
    counts = defaultdict(Counter)
    for ticket in tickets(log).values():
        own = counts[ticket.show, ticket.type]
        own["transferred"] += ticket.transferred_at is not None
        own["resold"] += ticket.resold
        own["scanned"] += ticket.admitted_at is not None
    known = tickets(log)
    for ticket_id, show in offered(log):
        counts[show, known[ticket_id].type]["listed"] += 1
    return counts


def offered(log):
    """Tickets with an offer that stands, by ticket and show."""
    offers, sold = {}, set()
    for event in sorted(log, key=lambda event: event.version):
        if event.type == "ticket.listed":
            offers[event.ticket_listed.listing_id] = event.ticket_listed
        if event.type == "ticket.resold":
            sold.add(event.ticket_resold.listing_id)
    return {
        (offer.ticket_id, offer.event_id)
        for listing, offer in offers.items()
        if offer.status == "active" and listing not in sold
    }
