"""Publish visits over gRPC, read funnels and active sessions over gRPC."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from tickettoken.metrics.v1 import funnel_pb2, sessions_pb2

from tests.metrics.read_models.test_over_grpc import publish
from tests.metrics.serving import bad_fields, eventually_equal, refused
from tests.platform import events as make


def funnel(client, *, start=None, end=None, **filters):
    request = funnel_pb2.GetConversionFunnelRequest(**{name: str(one) for name, one in filters.items()})
    for field, moment in (("start_date", start), ("end_date", end)):
        if moment is not None:
            getattr(request, field).FromDatetime(moment)
    return client.analytics.GetConversionFunnel(request, metadata=client.metadata)


def active(client, venue, **page):
    request = sessions_pb2.ListActiveSessionsRequest(venue_id=str(venue), **page)
    return client.realtime.ListActiveSessions(request, metadata=client.metadata)


def journey(tenant, venue, show, order):
    now = datetime.now(UTC)
    place = (tenant, venue, "s")
    return [
        make.page_viewed(*place, at=now - timedelta(seconds=60)),
        make.page_viewed(*place, show=show, page="/show", at=now - timedelta(seconds=50)),
        make.cart_updated(*place, shows=[show], at=now - timedelta(seconds=30)),
        make.checkout_started(*place, show=show, at=now - timedelta(seconds=20)),
        make.order_completed(tenant, venue, order, show=show, session_id="s", at=now),
        make.order_completed(tenant, venue, show=show, channel="box_office", at=now),
        make.page_viewed(tenant, venue, "t", at=now),
    ]


async def test_a_published_journey_is_a_funnel_and_each_fact_is_fresh(metrics_process):
    tenant, venue, show, order = (uuid4() for _ in range(4))
    async with metrics_process.client(tenant) as client:

        async def counts():
            return [step.session_count for step in (await funnel(client, venue_id=venue)).steps]

        await publish(client, journey(tenant, venue, show, order))
        assert await eventually_equal_where_known(client, counts, [2, 1, 1, 1, 1, 0])
        answer = await funnel(client, venue_id=venue, event_id=show)
        await publish(client, [make.ticket_scanned(tenant, venue, show=show, order=order, at=make.NOON)])
        await publish(
            client, [make.ticket_scanned(tenant, venue, show=show, order=order, at=datetime.now(UTC))]
        )
        assert await eventually_equal(counts, [2, 1, 1, 1, 1, 1])
        cancelled = make.order_cancelled(tenant, venue, order, at=datetime.now(UTC))
        await publish(client, [cancelled])
        assert await eventually_equal(counts, [2, 1, 1, 1, 0, 0])

    assert [step.session_count for step in answer.steps] == [1, 1, 1, 1, 1, 0]
    assert [step.median_seconds_from_previous for step in answer.steps] == [0, 0, 20, 10, 20, 0]
    assert answer.orders_without_session_count == 1
    assert answer.overall_conversion_ratio == 1


async def eventually_equal_where_known(client, ask, expected):
    """As `eventually_equal`, for a venue that the first event has still to make."""

    async def answer():
        known = await funnel(client)
        return await ask() if known.steps[0].session_count else None

    return await eventually_equal(answer, expected)


async def test_active_sessions_come_page_by_page(metrics_process):
    tenant, venue, show, order = (uuid4() for _ in range(4))
    async with metrics_process.client(tenant) as client:
        await publish(client, journey(tenant, venue, show, order))

        async def count():
            return (await funnel(client)).steps[4].session_count

        assert await eventually_equal(count, 1)
        first = await active(client, venue, page_size=1)
        second = await active(client, venue, page_size=1, page_token=first.next_page_token)

    (newest,), (oldest,) = first.sessions, second.sessions
    assert (newest.session_id, newest.furthest_step, newest.page_view_count) == ("t", "visit", 1)
    assert (oldest.session_id, oldest.furthest_step, oldest.page_view_count) == ("s", "order", 2)
    assert (oldest.page, oldest.event_id, oldest.device_class) == ("/show", str(show), "mobile")
    assert (first.active_count, first.active_seconds, second.next_page_token) == (2, 300, "")


async def test_what_is_not_ones_own_is_not_found(metrics_process):
    owner, stranger, venue, show, order = (uuid4() for _ in range(5))
    async with metrics_process.client(owner) as client:
        await publish(client, journey(owner, venue, show, order))

        async def count():
            return (await funnel(client)).steps[0].session_count

        assert await eventually_equal(count, 2)
        assert await refused(funnel(client, event_id=uuid4())) == ("NOT_FOUND", "EVENT_NOT_FOUND")
        token = (await active(client, venue, page_size=1)).next_page_token
    for refusing in (
        metrics_process.client(stranger),
        metrics_process.client(owner, venue_ids=[uuid4()]),
    ):
        async with refusing as client:
            assert (await funnel(client)).steps[0].session_count == 0
            assert await refused(funnel(client, venue_id=venue)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
            assert await refused(funnel(client, event_id=show)) == ("NOT_FOUND", "EVENT_NOT_FOUND")
            assert await refused(active(client, venue)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
    async with metrics_process.client(stranger) as client:
        stolen = active(client, venue, page_token=token)
        assert await refused(stolen) == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")


async def test_bad_requests_name_their_fields(metrics_process):
    now = datetime.now(UTC)
    async with metrics_process.client(uuid4()) as client:
        assert await bad_fields(funnel(client, venue_id="7", event_id="8")) == ["venueId", "eventId"]
        assert await refused(funnel(client, start=now, end=now)) == ("INVALID_ARGUMENT", "INVALID_FIELD")
        assert await bad_fields(funnel(client, start=now + timedelta(days=1))) == ["endDate"]
        assert await bad_fields(active(client, "7", page_size=-1)) == ["venueId", "pageSize"]


@pytest.mark.parametrize("permissions", [[], ["analytics.write"]])
async def test_each_call_needs_its_permission(metrics_process, permissions):
    async with metrics_process.client(uuid4(), permissions=permissions) as client:
        for call in (funnel(client), active(client, uuid4())):
            assert (await refused(call))[0] == "PERMISSION_DENIED"
