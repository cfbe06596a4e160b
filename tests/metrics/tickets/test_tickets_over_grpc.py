"""Ticket status of a running service: fresh, paged, and each tenant its own."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tickettoken.metrics.v1 import live_pb2, marketplace_pb2

from tests.metrics.read_models.test_over_grpc import eventually, publish
from tests.metrics.serving import bad_fields, refused
from tests.platform import events as make


async def status(client, **request):
    filled = {name: value if isinstance(value, int) else str(value) for name, value in request.items()}
    return await client.analytics.GetTicketStatus(
        marketplace_pb2.GetTicketStatusRequest(**filled), metadata=client.metadata
    )


async def test_a_ticket_is_followed_from_its_sale_to_the_doors(metrics_process):
    tenant, venue, show, stalls, ticket = (uuid4() for _ in range(5))
    envelope = {"show": show, "at": make.NOON + timedelta(hours=1)}
    async with metrics_process.client(tenant) as client:

        async def seen():
            return [
                (one.sold_count, one.transferred_count, one.listed_count, one.resold_count, one.scanned_count)
                for one in (await status(client)).tickets
            ]

        await publish(
            client,
            [
                make.event_created(tenant, venue, show, name="Aida"),
                make.ticket_type_updated(tenant, venue, show, stalls, capacity=10, held=2),
                make.order_completed(tenant, venue, show=show, lines=[(3, 1_000, stalls)]),
            ],
        )
        await eventually(seen, [(3, 0, 0, 0, 0)])
        await publish(
            client, [make.ticket_listed(tenant, venue, ticket=ticket, ticket_type=stalls, **envelope)]
        )
        await eventually(seen, [(3, 0, 1, 0, 0)])
        await publish(client, [make.ticket_transferred(tenant, venue, ticket, **envelope)])
        await publish(client, [make.ticket_resold(tenant, venue, ticket, **envelope)])
        await publish(client, [make.ticket_scanned(tenant, venue, ticket, **envelope)])
        await eventually(seen, [(3, 1, 1, 1, 1)])
        answer = await status(client, venue_id=venue, event_id=show)

    (entry,) = answer.tickets
    assert (entry.event_id, entry.event_name) == (str(show), "Aida")
    assert (entry.ticket_type_id, entry.ticket_type_name) == (str(stalls), "Stalls")
    assert (entry.capacity_count, entry.held_count, entry.available_count) == (10, 2, 5)
    assert answer.as_of.ToDatetime(UTC) == envelope["at"]
    assert answer.next_page_token == ""


async def test_pages_and_refusals(metrics_process):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    async with metrics_process.client(tenant) as client:

        async def seen():
            return len((await status(client)).tickets)

        shows = [show, uuid4(), uuid4()]
        await publish(client, [make.order_completed(tenant, venue, show=one) for one in shows])
        await eventually(seen, 3)
        first = await status(client, page_size=2)
        second = await status(client, page_size=2, page_token=first.next_page_token)
        assert [one.event_id for one in (*first.tickets, *second.tickets)] == sorted(map(str, shows))
        assert second.next_page_token == ""
        invalid = ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")
        assert await refused(status(client, page_token="made-up")) == invalid
        assert await refused(status(client, venue_id=venue, page_token=first.next_page_token)) == invalid
        assert await bad_fields(status(client, venue_id="7", event_id="7", page_size=-1)) == [
            "venueId",
            "eventId",
            "pageSize",
        ]
        assert await refused(status(client, venue_id=uuid4())) == ("NOT_FOUND", "VENUE_NOT_FOUND")
        assert await refused(status(client, event_id=uuid4())) == ("NOT_FOUND", "EVENT_NOT_FOUND")
    async with metrics_process.client(uuid4()) as client:
        assert await refused(status(client, venue_id=venue)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
        assert await refused(status(client, event_id=show)) == ("NOT_FOUND", "EVENT_NOT_FOUND")
        assert await refused(status(client, page_token=first.next_page_token)) == invalid
        assert not (await status(client)).tickets
    async with metrics_process.client(tenant, venue_ids=[uuid4()]) as client:
        assert await refused(status(client, event_id=show)) == ("NOT_FOUND", "EVENT_NOT_FOUND")
        assert not (await status(client)).tickets
    async with metrics_process.client(tenant, permissions=["analytics.write"]) as client:
        assert (await refused(status(client)))[0] == "PERMISSION_DENIED"


async def test_admissions_are_live(metrics_process):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    now = datetime.now(UTC)
    async with metrics_process.client(tenant) as client:

        async def seen():
            request = live_pb2.GetVenueMetricsRequest(venue_id=str(venue))
            try:
                answer = await client.realtime.GetVenueMetrics(request, metadata=client.metadata)
            except Exception:  # noqa: BLE001 - the venue is not known before its first fact
                return []
            return [metric.metric_type for metric in answer.metrics]

        await publish(
            client,
            [
                make.ticket_scanned(tenant, venue, show=show, at=now),
                make.ticket_scanned(tenant, venue, show=show, result="refused", at=now),
            ],
        )
        await eventually(seen, ["scans_refused", "tickets_admitted"])
