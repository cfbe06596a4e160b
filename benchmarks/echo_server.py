"""The yardstick of unary calls: a grpc.aio server that gives every request back and does nothing else."""

import sys

import grpc
import uvloop

METHOD = "/benchmarks.Echo/Echo"


async def _echo(request: bytes, _context: object) -> bytes:
    return request


async def serve(port: int) -> None:
    server = grpc.aio.server()
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(_echo)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("benchmarks.Echo", {"Echo": handler}),)
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
