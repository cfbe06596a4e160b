"""Uvicorn inside this process's event loop; signals are the process's business."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

_DRAIN_SECONDS = 5


class _QuietServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Serves an application on `host:port`; port 0 takes a free one.

    Args:
        app: The application.
        address: Where to listen.
        upgraded: Makes the protocol that takes over a connection whose client asks for a WebSocket.
    """

    def __init__(self, app: ASGIApp, address: str, *, upgraded: Callable[..., Any]) -> None:
        config = uvicorn.Config(
            app,
            ws=upgraded,  # type: ignore[arg-type]  # a class is meant; whatever makes a protocol works
            access_log=False,
            log_config=None,
            lifespan="off",
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
        )
        self._server = _QuietServer(config)
        self._address = address
        self._task: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self) -> int:
        """Begin to serve.

        Returns:
            The port that was bound.

        Raises:
            OSError: The address is taken.
        """
        host, _, port = self._address.rpartition(":")
        listener = socket.create_server((host.strip("[]") or "127.0.0.1", int(port)), backlog=1024)
        listener.settimeout(0)
        self.port = listener.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        return self.port

    async def close(self) -> None:
        """Finish what is in progress and release the port."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task
