"""The yardsticks of fan-out: servers that send a line from their input to everyone and do nothing else."""

import asyncio
import sys
from collections.abc import AsyncIterator

import grpc
import uvloop
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.asyncio.server import serve as serve_sockets

METHOD = "/benchmarks.Fanout/Watch"
HELLO = b"hello"


async def _lines() -> AsyncIterator[bytes]:
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        yield bytes.fromhex(line.decode())


async def _streams(port: int) -> None:
    queues: set[asyncio.Queue[bytes]] = set()

    async def watch(_request: bytes, _context: object) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        queues.add(queue)
        yield HELLO
        while True:
            yield await queue.get()

    server = grpc.aio.server()
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_stream_rpc_method_handler(watch)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("benchmarks.Fanout", {"Watch": handler}),)
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    print("ready", flush=True)
    async for message in _lines():
        for queue in queues:
            queue.put_nowait(message)
    await server.stop(0)


async def _sockets(port: int) -> None:
    connections: set[ServerConnection] = set()

    async def follow(connection: ServerConnection) -> None:
        connections.add(connection)
        await connection.send(HELLO.decode())
        await connection.wait_closed()

    async with serve_sockets(follow, "127.0.0.1", port, compression=None):
        print("ready", flush=True)
        async for message in _lines():
            broadcast(connections, message.decode())


if __name__ == "__main__":
    uvloop.run({"streams": _streams, "sockets": _sockets}[sys.argv[1]](int(sys.argv[2])))
