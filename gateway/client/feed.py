"""Follows a server stream over SSE, across reconnects, with the resume token."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
from google.protobuf.json_format import Parse
from google.protobuf.message import Message

from gateway.client.encoding import path_of, query_of
from gateway.client.errors import ApiError, ConnectionLost, Unauthenticated, error_from
from gateway.client.events import event_data
from gateway.client.retries import RetryPolicy
from gateway.client.tokens import Bearer
from gateway.rest import Reply, Route


class Feed:
    """One stream of one caller.

    Requests and responses have a `resume_token`, so that no key's latest state is missed; a `closing` signal
    is the last message of a stream that ended in order. A stream that ends without one has broken.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        bearer: Bearer,
        retries: RetryPolicy,
        silence_seconds: float,
        route: Route,
    ) -> None:
        self._http = http
        self._bearer = bearer
        self._retries = retries
        self._route = route
        self._timeout = httpx.Timeout(http.timeout.connect, read=silence_seconds)

    async def messages(self, request: Message, reply: type[Reply]) -> AsyncIterator[Reply]:
        """Every message, closings included, until one that another connection would not help.

        Raises:
            ApiError: The server refused to start or to go on, or could not be reached any more.
        """
        asked: Any = type(request)()
        asked.CopyFrom(request)
        failures = 0  # connections in a row that brought nothing but their end
        while True:
            progressed, closing = False, ""
            try:
                async for message in self._connection(asked, reply):
                    closing = _closing_reason(message)
                    progressed = progressed or not closing
                    asked.resume_token = _resume_token(message) or asked.resume_token
                    yield message
                failures = 0 if progressed else failures + 1
            except ApiError as error:
                failures = 1 if progressed else failures + 1
                self._accept(error, asked, failures)
            if closing and not self._goes_on(closing, asked):
                return
            if failures >= self._retries.attempts:
                raise ConnectionLost("the stream broke again and again")
            await asyncio.sleep(self._retries.jittered(max(failures, 1)))

    async def _connection(self, asked: Message, reply: type[Reply]) -> AsyncIterator[Reply]:
        """The messages of one connection.

        Raises:
            ApiError: It was refused, or it broke.
        """
        headers = {"accept": "text/event-stream", "cache-control": "no-store", **await self._bearer.headers()}
        path, query = path_of(self._route, asked), query_of(self._route, asked)
        try:
            async with self._http.stream(
                self._route.verb, path, params=query, headers=headers, timeout=self._timeout
            ) as response:
                if not response.is_success:
                    await response.aread()
                    raise error_from(response)
                async for data in event_data(response.aiter_lines()):
                    yield Parse(data, reply(), ignore_unknown_fields=True)
        except httpx.TransportError as error:
            raise ConnectionLost(f"{type(error).__name__}: {error}") from error

    def _accept(self, error: ApiError, asked: Any, failures: int) -> None:
        """Return when another connection may help; otherwise raise the error."""
        if error.reason == "RESUME_EXPIRED":
            asked.resume_token = ""
        elif isinstance(error, Unauthenticated) and self._bearer.renews and failures == 1:
            self._bearer.expire()
        elif self._retries.wait_seconds(error, failures) is None:
            raise error

    def _goes_on(self, reason: str, asked: Any) -> bool:
        """Whether to connect again after a closing."""
        if reason == "TOKEN_EXPIRED":
            self._bearer.expire()
            return self._bearer.renews
        if reason == "RESUME_EXPIRED":
            asked.resume_token = ""
        return True


def _resume_token(message: Message) -> str:
    return str(getattr(message, "resume_token", ""))


def _closing_reason(message: Message) -> str:
    """Why the server ends the stream; empty when it does not."""
    if "closing" not in message.DESCRIPTOR.fields_by_name or not message.HasField("closing"):
        return ""
    return str(getattr(message, "closing").reason)  # noqa: B009 - looked up above
