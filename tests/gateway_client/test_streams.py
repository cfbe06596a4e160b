"""Streams over SSE: resuming, starting anew, and ending."""

import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from tickettoken.metrics.v1.live_pb2 import (
    Closing,
    Heartbeat,
    LiveMetric,
    SnapshotComplete,
    WatchVenueMetricsRequest,
    WatchVenueMetricsResponse,
)

from gateway.client import AnalyticsClient, ConnectionLost, NotFound, Unavailable
from gateway.client.events import event_data
from libs.common.auth.errors import TokenExpired
from libs.common.errors import DependencyUnavailable, VenueNotFound
from services.metrics.errors import ResumeExpired
from tests.gateway_client.conftest import QUICK

VENUE = "0190b5a2-7c3e-7000-8000-0123456789ab"
REQUEST = WatchVenueMetricsRequest(venue_id=VENUE, metrics=["tickets_sold", "gross_revenue"])
FAREWELL = WatchVenueMetricsResponse(closing=Closing(reason="TOKEN_EXPIRED"))


def _update(token: str, version: int) -> WatchVenueMetricsResponse:
    return WatchVenueMetricsResponse(
        resume_token=token, updates=[LiveMetric(metric_type="tickets_sold", version=version)]
    )


async def _versions(client: AnalyticsClient, request: WatchVenueMetricsRequest = REQUEST) -> list[int]:
    stream = client.realtime.watch_venue_metrics(request)
    return [update.version async for message in stream for update in message.updates]


async def test_stream_yields_every_message_up_to_the_closing(gateway, client):
    snapshot = WatchVenueMetricsResponse(resume_token="2", snapshot_complete=SnapshotComplete())
    beat = WatchVenueMetricsResponse(resume_token="2", heartbeat=Heartbeat(time=Timestamp(seconds=1)))
    gateway.will_stream(_update("1", 7), snapshot, beat, FAREWELL)

    received = [message async for message in client.realtime.watch_venue_metrics(REQUEST)]

    assert received == [_update("1", 7), snapshot, beat, FAREWELL]
    (asked,) = gateway.asked
    assert asked.path == f"/api/realtime/venue/{VENUE}/stream"
    assert asked.query == [("metrics", "tickets_sold"), ("metrics", "gross_revenue")]
    assert asked.headers["accept"] == "text/event-stream"


async def test_broken_stream_goes_on_after_the_last_resume_token(gateway, client):
    gateway.will_stream(_update("1", 1), _update("2", 2), breaks=True)
    gateway.will_stream(_update("3", 3), FAREWELL)

    assert await _versions(client) == [1, 2, 3]

    assert [dict(asked.query).get("resumeToken") for asked in gateway.asked] == [None, "2"]
    assert REQUEST.resume_token == ""


async def test_stream_that_ends_without_a_word_has_broken(gateway, client):
    gateway.will_stream(_update("1", 1))
    gateway.will_stream(_update("2", 2), FAREWELL)

    assert await _versions(client) == [1, 2]


@pytest.mark.parametrize("reason", ["SLOW_READER", "SHUTTING_DOWN", "DEPENDENCY_UNAVAILABLE"])
async def test_closed_stream_goes_on_at_another_replica(gateway, client, reason):
    gateway.will_stream(_update("1", 1), WatchVenueMetricsResponse(closing=Closing(reason=reason)))
    gateway.will_stream(_update("2", 2), FAREWELL)

    assert await _versions(client) == [1, 2]
    assert dict(gateway.asked[1].query)["resumeToken"] == "1"


async def test_expired_resume_token_brings_a_fresh_snapshot(gateway, client):
    gateway.will_answer(ResumeExpired("too long away"))
    gateway.will_stream(_update("9", 9), FAREWELL)
    away = WatchVenueMetricsRequest(venue_id=VENUE, resume_token="old")

    assert await _versions(client, away) == [9]
    assert [dict(asked.query).get("resumeToken") for asked in gateway.asked] == ["old", None]


async def test_token_that_expires_is_renewed_and_the_stream_goes_on(gateway):
    tokens = iter(["old", "new", "newest"])

    async def fetch() -> str:
        return next(tokens)

    gateway.will_stream(_update("1", 1), FAREWELL)
    gateway.will_answer(TokenExpired("over"))
    gateway.will_stream(_update("2", 2), breaks=True)
    gateway.will_answer(VenueNotFound("gone"))
    seen = []
    async with AnalyticsClient(gateway.url, fetch, retries=QUICK) as client:
        with pytest.raises(NotFound):
            async for message in client.realtime.watch_venue_metrics(REQUEST):
                seen += [update.version for update in message.updates]

    assert seen == [1, 2]
    sent = [asked.headers["authorization"] for asked in gateway.asked]
    assert sent == ["Bearer old", "Bearer new", "Bearer newest", "Bearer newest"]


async def test_refused_stream_is_a_typed_error(gateway, client):
    gateway.will_answer(VenueNotFound("no such venue"))

    with pytest.raises(NotFound):
        await _versions(client)


async def test_server_that_stays_away_is_given_up(gateway, client):
    gateway.will_stream(_update("1", 1), breaks=True)
    gateway.will_answer(*[DependencyUnavailable("no feed")] * 2)

    with pytest.raises(Unavailable, match="no feed"):
        await _versions(client)


async def test_server_that_only_says_goodbye_is_given_up(gateway, client):
    for _ in range(3):
        gateway.will_stream(WatchVenueMetricsResponse(closing=Closing(reason="SHUTTING_DOWN")))

    with pytest.raises(ConnectionLost):
        await _versions(client)


async def test_silence_counts_as_broken(gateway):
    gateway.will_stream(_update("1", 1), hangs=True)
    gateway.will_stream(_update("2", 2), FAREWELL)

    async with AnalyticsClient(gateway.url, silence_seconds=0.2, retries=QUICK) as client:
        assert await _versions(client) == [1, 2]

    assert dict(gateway.asked[1].query)["resumeToken"] == "1"


async def test_events_join_their_data_lines_and_drop_what_was_cut_off():
    response = httpx.Response(
        200, text=": hello\r\ndata: one\r\ndata:two\r\n\r\nid: 7\ndata\n\nevent: x\n\ndata: cut"
    )

    events = [data async for data in event_data(response.aiter_lines())]

    assert events == ["one\ntwo", ""]
