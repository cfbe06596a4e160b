"""Prometheus: what every process counts, and the HTTP endpoint it is read from."""

from dataclasses import dataclass
from threading import Thread
from types import TracebackType
from typing import Self
from wsgiref.simple_server import WSGIServer

from prometheus_client import Counter, Gauge, Histogram, start_http_server

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

CALLS = Histogram("rpc_server_call_seconds", "Time to answer a call.", ("method", "code"), buckets=_SECONDS)
CALLS_IN_PROGRESS = Gauge(
    "rpc_server_calls_in_progress", "Calls being answered, open streams included.", ("method",)
)
RATE_LIMITED = Counter("rpc_server_rate_limited_total", "Calls refused by a rate limit.", ("rate_class",))
RATE_LIMIT_LOCAL = Gauge(
    "rpc_server_rate_limits_local", "1 while limits are kept in the process, not in Redis."
)
UNEXPECTED = Counter("rpc_server_unexpected_errors_total", "Exceptions nobody expected.", ("method",))
DEPENDENCY_UP = Gauge("dependency_up", "1 while the dependency answers its check.", ("dependency",))
DEPENDENCY_SECONDS = Gauge(
    "dependency_check_seconds", "Time the last check of the dependency took.", ("dependency",)
)


@dataclass(slots=True)
class MetricsEndpoint:
    """The HTTP endpoint of this process; `port` is the bound one."""

    port: int
    _server: WSGIServer
    _thread: Thread

    @classmethod
    def open(cls, address: str) -> Self:
        """Serve /metrics on `host:port`; port 0 takes a free one."""
        host, _, port = address.rpartition(":")
        server, thread = start_http_server(int(port), addr=host.strip("[]") or "127.0.0.1")
        return cls(server.server_port, server, thread)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
