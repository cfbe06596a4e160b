"""Subscribers in a process of their own: they count what arrives and write a line when everybody has got it.

The first line says that every subscriber has been told where it begins; each further one that one message
more has reached all of them. With `--latency` the second line holds the 99th percentile of seconds since a
metric changed, and is written when a line is read.
"""

import argparse
import asyncio
import base64
import os
import sys
import time
from collections.abc import Callable
from typing import Any, cast

import grpc
import uvloop
from tickettoken.metrics.v1 import live_pb2

_CHANNELS = 8
_LATENCY_READERS = 20


class Tally:
    """Writes a line when every subscriber has got one message more."""

    def __init__(self, subscribers: int) -> None:
        self._subscribers = subscribers
        self._counts: dict[int, int] = {}

    def count(self, message: int) -> None:
        """One subscriber got its n-th message."""
        count = self._counts[message] = self._counts.get(message, 0) + 1
        if count == self._subscribers:
            del self._counts[message]
            print(message, flush=True)


class Socket(asyncio.Protocol):
    """A WebSocket that counts frames and reads nothing else of them."""

    def __init__(self, upgrade: bytes, is_begin: Callable[[bytes], bool], tally: Tally) -> None:
        self._upgrade = upgrade
        self._is_begin = is_begin
        self._tally = tally
        self._data = b""
        self._messages = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._upgrade)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._messages < 0:
            if b"\r\n\r\n" not in self._data:
                return
            head, _, self._data = self._data.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101"), head
            self._messages = 0
        while len(self._data) >= 2:
            size, start = self._data[1], 2
            if size == 126:
                size, start = int.from_bytes(self._data[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(self._data[2:10], "big"), 10
            if len(self._data) < start + size:
                return
            frame, self._data = self._data[start : start + size], self._data[start + size :]
            if self._messages or self._is_begin(frame):
                self._tally.count(self._messages)
                self._messages += 1


async def _sockets(port: int, path: str, token: str, subscribers: int) -> None:
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{token}\r\n"
    )
    tally = Tally(subscribers)
    loop = asyncio.get_running_loop()
    for _ in range(subscribers):
        await loop.create_connection(
            lambda: Socket(
                upgrade.encode(), lambda frame: b"snapshotComplete" in frame or b"hello" in frame, tally
            ),
            "127.0.0.1",
            port,
        )
    await asyncio.Event().wait()


async def _streams(
    target: str, path: str, request: bytes, token: str, subscribers: int, *, latency: bool
) -> None:
    tally = Tally(subscribers)
    seconds: list[float] = []
    metadata = (("authorization", token),) if token else ()
    channels = [
        grpc.aio.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(_CHANNELS)
    ]

    async def subscribe(number: int) -> None:
        method: Any = channels[number % _CHANNELS].unary_stream(path)
        messages = 0
        async for data in method(request, metadata=metadata):
            if (
                not messages
                and token
                and not live_pb2.WatchVenueMetricsResponse.FromString(data).HasField("snapshot_complete")
            ):
                continue
            if not latency or not messages:
                tally.count(messages)
            elif number < _LATENCY_READERS:
                now = time.time()
                for metric in live_pb2.WatchVenueMetricsResponse.FromString(data).updates:
                    changed = metric.updated_time
                    seconds.append(now - changed.seconds - changed.nanos / 1e9)
            messages += 1

    tasks = [asyncio.create_task(subscribe(number)) for number in range(subscribers)]
    if latency:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        await reader.readline()
        print(sorted(seconds)[int(len(seconds) * 0.99)], flush=True)
        return
    await asyncio.gather(*tasks)


def main() -> None:
    """Subscribe and count until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("streams", "sockets"))
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("subscribers", type=int)
    parser.add_argument("--token", default="")
    parser.add_argument("--request", default="", help="of streams, in hex")
    parser.add_argument("--latency", action="store_true")
    given = parser.parse_args()
    if given.kind == "streams":
        uvloop.run(
            _streams(
                f"127.0.0.1:{given.port}",
                given.path,
                bytes.fromhex(given.request),
                given.token and f"Bearer {given.token}",
                given.subscribers,
                latency=given.latency,
            )
        )
    else:
        header = f"Sec-WebSocket-Protocol: tickettoken.v1, bearer.{given.token}\r\n" if given.token else ""
        uvloop.run(_sockets(given.port, given.path, header, given.subscribers))


if __name__ == "__main__":
    main()
