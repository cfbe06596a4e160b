"""Where the tickets are, as the service answers it and as a naive count has it."""

from collections import Counter

import pytest
from tickettoken.metrics.v1 import capacity_pb2, doors_pb2, marketplace_pb2

from tests.metrics.season import naive


async def all_tickets(client, **fields):
    """Every page of the ticket status."""
    found, token = [], None
    while token != "":
        request = marketplace_pb2.GetTicketStatusRequest(page_size=17, page_token=token or "", **fields)
        answer = await client.analytics.GetTicketStatus(request, metadata=client.metadata)
        found += answer.tickets
        token = answer.next_page_token
    return found


async def test_ticket_status_of_every_type(season, client):
    books = naive.sold(season)
    sold, returned = Counter(), Counter()
    for line in books:
        sold[line.type_id] += line.tickets - line.returned
        returned[line.type_id] += line.returned
    type_of = {one.ticket_id: one.type_id for one in (*season.scans, *season.listings, *season.resales)}
    admitted = Counter(type_of[ticket] for ticket, _, _ in naive.admissions(season))
    listed = Counter(one.type_id for one in naive.Offers(season).active(season.now))
    resold = Counter(type_of[ticket] for ticket in {one.ticket_id for one in season.resales})

    transferred = Counter(
        (one.show_id, type_of.get(one.ticket_id))
        for one in {one.ticket_id: one for one in season.transfers}.values()
    )

    answered = await all_tickets(client)

    # A ticket that was passed on and never scanned or offered has no type that anybody told.
    untyped = {one.event_id: one.transferred_count for one in answered if not one.ticket_type_id}
    assert untyped == {str(show): count for (show, kind), count in transferred.items() if kind is None}
    found = [one for one in answered if one.ticket_type_id]
    types = {str(kind.id): (show, kind) for show in season.shows.values() for kind in show.types}
    assert len(found) == len(types)
    assert [one.ticket_type_id for one in found] == sorted(
        types, key=lambda id_: (types[id_][0].starts_at, types[id_][0].id, types[id_][1].name)
    )
    for one in found:
        show, kind = types[one.ticket_type_id]
        assert (one.event_id, one.event_name, one.ticket_type_name) == (str(show.id), show.name, kind.name)
        assert (one.capacity_count, one.held_count) == (kind.capacity, kind.held)
        assert (one.sold_count, one.refunded_count) == (sold[kind.id], returned[kind.id])
        assert one.available_count == max(0, kind.capacity - kind.held - sold[kind.id])
        assert (one.scanned_count, one.listed_count, one.resold_count) == (
            admitted[kind.id],
            listed[kind.id],
            resold[kind.id],
        )
        assert one.transferred_count == transferred[show.id, kind.id]


async def test_seats_and_doors_of_every_show(season, client):
    sold, inside = Counter(), naive.inside(season)
    for line in naive.sold(season):
        sold[line.show_id] += line.tickets - line.returned
    admitted = Counter(show for _, _, show in naive.admissions(season))
    refused = Counter((one.show_id, one.gate) for one in season.scans if one.result == "refused")

    for show in season.shows.values():
        about = {"venue_id": str(show.venue_id), "event_id": str(show.id)}
        seats = await client.metrics.GetCapacityMetrics(
            capacity_pb2.GetCapacityMetricsRequest(**about), metadata=client.metadata
        )
        doors = await client.realtime.GetDoorsBoard(
            doors_pb2.GetDoorsBoardRequest(**about), metadata=client.metadata
        )

        totals = seats.venue_totals
        assert (totals.total_count, totals.sold_count) == (show.capacity, sold[show.id])
        (board,) = doors.boards
        assert (board.sold_count, board.inside_count) == (sold[show.id], inside[show.id])
        if sold[show.id]:
            assert board.admitted_ratio == pytest.approx(admitted[show.id] / sold[show.id])
        assert sum(gate.admitted_count for gate in board.gates) == admitted[show.id]
        assert {gate.gate: gate.refused_count for gate in board.gates if gate.refused_count} == {
            gate: count for (id_, gate), count in refused.items() if id_ == show.id
        }
