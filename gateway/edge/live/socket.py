"""One WebSocket: the handshake, ready frames out, and an end in order. Clients say nothing."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, cast

from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

SUBPROTOCOL = Subprotocol("tickettoken.v1")
_LARGEST_MESSAGE = 1024  # clients have nothing to say
_BUFFERED_BYTES = 64 * 1024
_LAST_WORDS_SECONDS = 15.0


class Guests(Protocol):
    """Who serves sockets."""

    def arrived(self, socket: "LiveSocket", request: Request) -> None:
        """A client asks for an upgrade."""
        ...

    def spoke(self, socket: "LiveSocket") -> None:
        """A client sent a message."""
        ...


class LiveSocket(asyncio.Protocol):
    """Takes over a connection from the HTTP server.

    `on_writable` is called when the client has read what was waiting. `lost` is set at the end.
    """

    def __init__(self, guests: Guests, server_state: ServerState) -> None:
        self._guests = guests
        self._connections = cast("set[Any]", server_state.connections)
        self._protocol = ServerProtocol(select_subprotocol=_selected, max_size=_LARGEST_MESSAGE)
        self._transport: asyncio.Transport | None = None
        self._abort: asyncio.TimerHandle | None = None
        self.is_paused = False
        self.on_writable: Callable[[], None] = lambda: None
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_BUFFERED_BYTES)
        self._connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._connections.discard(self)
        if self._abort is not None:
            self._abort.cancel()
        self.lost.set()

    def pause_writing(self) -> None:
        self.is_paused = True

    def resume_writing(self) -> None:
        self.is_paused = False
        self.on_writable()

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._guests.arrived(self, event)
            elif isinstance(event, Frame) and event.opcode in {Opcode.TEXT, Opcode.BINARY}:
                self._guests.spoke(self)
        self._flush()

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._flush()

    def shutdown(self) -> None:
        """The HTTP server's last call: whoever has not been told to go is told now."""
        self.close(1001, "the gateway stops")

    @property
    def is_open(self) -> bool:
        return self._protocol.state is State.OPEN

    def accept(self, request: Request) -> Response | None:
        """Upgrade the connection; returns what is wrong with the handshake, if anything."""
        response = self._protocol.accept(request)
        if response.status_code != 101:
            return response
        self._protocol.send_response(response)
        self._flush()
        return None

    def refuse(self, response: Response) -> None:
        """Answer over HTTP in the place of the upgrade."""
        if self._protocol.state is State.CONNECTING and not self.lost.is_set():
            self._protocol.send_response(response)
            self._flush()

    def send(self, frame: bytes) -> None:
        """Write a ready frame; what does not fit into the socket waits in the process."""
        if self._transport is not None and self.is_open:
            self._transport.write(frame)

    def close(self, code: int, reason: str) -> None:
        """Say why and end; a client that does not answer is cut off."""
        try:
            self._protocol.send_close(code, reason)
        except InvalidState:
            return
        self._flush()
        if self._transport is not None and self._abort is None:
            loop = asyncio.get_running_loop()
            self._abort = loop.call_later(_LAST_WORDS_SECONDS, self._transport.abort)

    def _flush(self) -> None:
        if self._transport is None:
            return
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()


def socket_class(guests: Guests) -> Callable[..., LiveSocket]:
    """What the HTTP server calls to make a connection's protocol when a client asks for an upgrade."""

    class GuestSocket(LiveSocket):
        def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
            super().__init__(guests, server_state)

    return GuestSocket


def _selected(_protocol: ServerProtocol, offered: Any) -> Subprotocol | None:
    """Never the one that carries the token: it would come back in the answer."""
    return SUBPROTOCOL if SUBPROTOCOL in offered else None
