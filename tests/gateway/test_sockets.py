"""WebSockets through the gateway: upgraded for the feed, refused in the one shape of errors."""

import asyncio
import json
from contextlib import suppress
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.gateway.front import VENUE, Front, error_of

FEED = f"/api/realtime/venue/{VENUE}/subscribe"


async def test_upgrade_without_a_good_token_is_refused_by_the_edge(front: Front):
    for offered, status, reason in (
        (["tickettoken.v1"], 401, "TOKEN_MISSING"),
        (["tickettoken.v1", f"bearer.{front.tokens.token(exp=1)}"], 401, "TOKEN_EXPIRED"),
        (["tickettoken.v1", f"bearer.{front.tokens.token(permissions=[])}"], 403, "PERMISSION_MISSING"),
    ):
        with pytest.raises(InvalidStatus) as refusal:
            async with connect(front.url.replace("http", "ws") + FEED, subprotocols=offered):
                pass

        response = refusal.value.response
        assert response.status_code == status
        assert error_of(json.loads(response.body))["reason"] == reason


async def test_socket_says_the_same_as_server_sent_events(front: Front, client):
    """The service's first message and its closing one, which reach the socket by its own stream."""
    front.realtime.go_on.set()
    try:
        async with client.stream("GET", f"/api/realtime/venue/{VENUE}/stream") as answer:
            events = [json.loads(line[5:]) async for line in answer.aiter_lines() if line.startswith("data:")]
        offered = ["tickettoken.v1", f"bearer.{front.tokens.token()}"]
        async with (
            asyncio.timeout(20),
            connect(front.url.replace("http", "ws") + FEED, subprotocols=offered) as socket,
        ):
            messages = []
            with suppress(ConnectionClosed):
                while True:
                    messages.append(json.loads(await socket.recv()))
    finally:
        front.realtime.go_on.clear()

    assert [message["resumeToken"] for message in messages] == [event["resumeToken"] for event in events]
    assert messages[0] == events[0]
    assert messages[-1]["closing"] == events[-1]["closing"]
    assert socket.close_code == 4401


async def test_no_other_path_is_upgraded(front: Front):
    offered = ["tickettoken.v1", f"bearer.{front.tokens.token()}"]
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(
            front.url.replace("http", "ws") + f"/api/realtime/venue/{uuid4()}/metrics", subprotocols=offered
        ):
            pass

    assert refusal.value.response.status_code == 404
