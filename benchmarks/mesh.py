"""The servers a benchmark needs: PostgreSQL with fsync, Redis, the metrics service and Envoy, all fresh."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import grpc

from deploy.local.credentials import PERMISSIONS, Credentials
from deploy.local.data_folder import DataFolder
from deploy.local.ports import free_port
from deploy.local.programs import Program
from deploy.local.servers.server import Server
from deploy.local.stack import PORT_NAMES, Stack
from deploy.local.stores import Stores
from deploy.provision import make_keys

UNLIMITED = json.dumps(dict.fromkeys(("read", "write", "bulk", "stream"), "100000000/minute"))


Method = Callable[..., "grpc.aio.UnaryUnaryCall[bytes, bytes]"]


@dataclass(frozen=True, slots=True)
class Mesh:
    """A running metrics service and its stores."""

    stack: Stack
    process_id: int
    customer_count: int
    """Customers that benchmarks of customers make."""

    @property
    def target(self) -> str:
        return self.stack.grpc_targets["metrics"]

    @property
    def admin_url(self) -> str:
        """The service's database as superuser."""
        return self.stack.stores.postgres_admin_url.rpartition("/")[0] + "/metrics"

    @property
    def gateway(self) -> tuple[str, int]:
        """Host and port of Envoy."""
        return "127.0.0.1", self.stack.ports["gateway"]

    def channel(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(self.target, options=[("grpc.use_local_subchannel_pool", 1)])

    @staticmethod
    def method(channel: grpc.aio.Channel, path: str) -> Method:
        """A unary method that takes and gives bytes: the client's own work stays small."""
        method: Method = channel.unary_unary(path)
        return method

    def metadata(self, tenant_id: UUID) -> tuple[tuple[str, str], ...]:
        token = self.stack.credentials.user_token(
            tenant_id, permissions=PERMISSIONS, lifetime=timedelta(hours=2)
        )
        return (("authorization", f"Bearer {token}"),)


@contextmanager
def running_mesh(*, customer_count: int) -> Iterator[Mesh]:
    """Start it all in a temporary folder; stop and remove it all at the end."""
    root = Path(tempfile.mkdtemp(prefix="tickettoken-bench-"))
    root.chmod(0o711)  # as root, PostgreSQL runs as another user and must get through
    started: list[Server] = []
    try:
        folder = DataFolder(root / "data")
        folder.create()
        credentials = Credentials(folder)
        make_keys(folder.keys, ["metrics", "customers", "edge"])
        ports = {name: free_port() for name in PORT_NAMES}
        stores = Stores.choose(folder, ports, credentials, {})
        stack = Stack(folder, ports, credentials, stores)
        started.extend(server.start() for server in stores.servers)
        stack.prepare_database("metrics")
        environment = stack.service_environment("metrics") | {
            "METRICS_RATE_LIMITS": UNLIMITED,
            "METRICS_LOG_LEVEL": "WARNING",
        }
        service = Program(
            "metrics",
            ["services.metrics", "all"],
            port=ports["metrics_grpc"],
            environment=environment,
            log=folder.logs / "metrics.log",
        )
        started.append(service.start())
        started.append(stack.gateway().start())
        yield Mesh(stack, service.pid, customer_count)
    finally:
        for server in reversed(started):
            server.stop()
        shutil.rmtree(root, ignore_errors=True)


def best(seconds: Sequence[float]) -> float:
    """The least disturbed of several runs."""
    return min(seconds)
