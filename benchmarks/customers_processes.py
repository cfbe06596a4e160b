"""The customers service in two processes, one serving and one working, and what callers wait meanwhile."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import grpc
import numpy as np
from tickettoken.customers.v1 import profile_pb2

from benchmarks.customers_world import World
from benchmarks.mesh import UNLIMITED, Mesh
from deploy.local.ports import free_port
from deploy.local.programs import Program

_PROFILE = "/tickettoken.customers.v1.CustomersService/GetCustomerProfile"
_CALLS_PER_SECOND = 20
_PATIENCE_SECONDS = 120.0


def environment_of(mesh: Mesh) -> dict[str, str]:
    """Settings of the service."""
    return mesh.stack.service_environment("customers") | {
        "CUSTOMERS_RATE_LIMITS": UNLIMITED,
        "CUSTOMERS_LOG_LEVEL": "WARNING",
    }


@contextmanager
def running_service(mesh: Mesh) -> Iterator[tuple[int, int]]:
    """Both processes; the port of the one that serves, and the number of the one that works."""
    environment = environment_of(mesh)
    programs = [_program(mesh, command, environment) for command in ("serve", "work")]
    started: list[Program] = []
    try:
        for program in programs:
            started.append(program)
            program.start_seconds = _PATIENCE_SECONDS
            program.start()
        yield programs[0].port, programs[1].pid
    finally:
        for program in started:
            program.stop()


def _program(mesh: Mesh, command: str, environment: Mapping[str, str]) -> Program:
    port, own = free_port(), ("probe", "metrics")
    addresses = {f"CUSTOMERS_{name.upper()}_ADDRESS": f"127.0.0.1:{free_port()}" for name in own}
    return Program(
        f"customers-{command}",
        ["services.customers", command],
        port=port,
        environment={**environment, **addresses, "CUSTOMERS_LISTEN_ADDRESS": f"127.0.0.1:{port}"},
        log=mesh.stack.folder.logs / f"customers-{command}.log",
    )


class ProfileCalls:
    """GetCustomerProfile of one customer after the other, at a steady rate whatever the answers take."""

    def __init__(self, mesh: Mesh, port: int, world: World) -> None:
        self._port = port
        self._metadata = mesh.metadata(world.tenant_id)
        numbers = np.random.default_rng().permutation(world.customer_count)[:100_000]
        ids = world.customer_ids(numbers)
        self._requests = iter(
            [
                profile_pb2.GetCustomerProfileRequest(
                    venue_id=str(world.home_of(int(number))), customer_id=str(customer_id)
                ).SerializeToString()
                for number, customer_id in zip(numbers, ids, strict=True)
            ]
        )

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[list[float]]:
        """Seconds of each call that is made while the body lasts, endless for one that is refused.

        The list is complete when the body is left.
        """
        seconds: list[float] = []
        over = asyncio.Event()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self._port}") as channel:
            calling = asyncio.create_task(self._call(Mesh.method(channel, _PROFILE), seconds, over))
            try:
                yield seconds
            finally:
                over.set()
                await calling

    async def _call(self, method: "object", seconds: list[float], over: asyncio.Event) -> None:
        assert callable(method)
        calls: list[asyncio.Task[None]] = []

        async def one(request: bytes, due: float) -> None:
            try:
                await method(request, metadata=self._metadata)
            except grpc.aio.AioRpcError:
                seconds.append(math.inf)
            else:
                seconds.append(time.perf_counter() - due)

        due = time.perf_counter()
        while not over.is_set():
            calls.append(asyncio.create_task(one(next(self._requests), due)))
            due += 1 / _CALLS_PER_SECOND
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await asyncio.gather(*calls)


def percentile(seconds: Sequence[float], share: float) -> float:
    """Milliseconds within which this share of the calls was answered."""
    return float(np.quantile(seconds, share, method="higher")) * 1000


class Memory:
    """Peak memory of a process, and of the greatest of its children, MiB."""

    def __init__(self, process_id: int) -> None:
        self._process_id = process_id
        self.own = self.child = 0

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            self.own = max(self.own, _peak(self._process_id))
            for child in _children(self._process_id):
                self.child = max(self.child, _peak(child))
            await asyncio.sleep(0.2)


def _children(process_id: int) -> list[int]:
    try:
        listed = Path(f"/proc/{process_id}/task").glob("*/children")
        return [int(child) for one in listed for child in one.read_text().split()]
    except OSError:
        return []


def _peak(process_id: int) -> int:
    try:
        lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM")), 0)
