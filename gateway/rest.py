"""What the generated REST methods and the transport under them agree on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from google.protobuf.message import Message

Reply = TypeVar("Reply", bound=Message)


@dataclass(frozen=True, slots=True)
class Route:
    """How a method travels over HTTP: `path` has `{field}` places, the rest goes into the body or the query.

    A read-only method may be called again without an idempotency key.
    """

    verb: str
    path: str
    has_body: bool
    is_read_only: bool


class Transport(Protocol):
    """Carries a request message along a route and brings back its replies."""

    async def call(
        self, route: Route, request: Message, reply: type[Reply], *, idempotency_key: str | None = None
    ) -> Reply:
        """The one reply of a unary method."""

    def pages(self, route: Route, request: Message, reply: type[Reply]) -> AsyncIterator[Reply]:
        """Every page of a list, asked for one after the other."""

    def stream(self, route: Route, request: Message, reply: type[Reply]) -> AsyncIterator[Reply]:
        """The replies of a server stream, across reconnects."""
