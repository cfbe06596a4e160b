"""Carries calls over HTTP: tokens, idempotency keys, retries, pages and errors."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
from google.protobuf.json_format import Parse
from google.protobuf.message import Message

from gateway.client.encoding import body_of, path_of, query_of
from gateway.client.errors import ApiError, ConnectionLost, Unauthenticated, error_from
from gateway.client.feed import Feed
from gateway.client.retries import RetryPolicy
from gateway.client.tokens import Bearer
from gateway.rest import Reply, Route


class HttpTransport:
    """The transport under the generated methods.

    Args:
        http: Client with the gateway's base URL and time limits.
        bearer: Source of the token.
        retries: When a call is tried again.
        silence_seconds: Silence after which a stream counts as broken (heartbeats come every 15 seconds).
    """

    def __init__(
        self, http: httpx.AsyncClient, *, bearer: Bearer, retries: RetryPolicy, silence_seconds: float
    ) -> None:
        self._http = http
        self._bearer = bearer
        self._retries = retries
        self._silence_seconds = silence_seconds

    async def call(
        self, route: Route, request: Message, reply: type[Reply], *, idempotency_key: str | None = None
    ) -> Reply:
        """The reply. A call with an effect carries an idempotency key, so that it may be repeated as well.

        Raises:
            ApiError: The last refusal, when trying again did not help or could not.
        """
        headers = {} if route.is_read_only else {"idempotency-key": idempotency_key or str(uuid4())}
        renewed = False
        attempt = 1
        while True:
            try:
                response = await self._once(route, request, headers)
                return Parse(response.content, reply(), ignore_unknown_fields=True)
            except Unauthenticated:
                if renewed or not self._bearer.renews:
                    raise
                renewed = True
                self._bearer.expire()
            except ApiError as error:
                wait = self._retries.wait_seconds(error, attempt)
                if wait is None:
                    raise
                attempt += 1
                await asyncio.sleep(wait)

    async def pages(self, route: Route, request: Message, reply: type[Reply]) -> AsyncIterator[Reply]:
        """Every page, from the request's own page token on."""
        asked = type(request)()
        asked.CopyFrom(request)
        while True:
            page = await self.call(route, asked, reply)
            yield page
            token: str = getattr(page, "next_page_token")  # noqa: B009 - the generated methods see to its presence
            if not token:
                return
            setattr(asked, "page_token", token)  # noqa: B010 - as above

    def stream(self, route: Route, request: Message, reply: type[Reply]) -> AsyncIterator[Reply]:
        """The stream's messages, across reconnects, up to a closing that nothing can be done about."""
        feed = Feed(
            self._http,
            bearer=self._bearer,
            retries=self._retries,
            silence_seconds=self._silence_seconds,
            route=route,
        )
        return feed.messages(request, reply)

    async def _once(self, route: Route, request: Message, headers: dict[str, str]) -> httpx.Response:
        body = body_of(route, request)
        content_type = {"content-type": "application/json"} if body is not None else {}
        try:
            response = await self._http.request(
                route.verb,
                path_of(route, request),
                params=query_of(route, request),
                content=body,
                headers={**await self._bearer.headers(), **content_type, **headers},
            )
        except httpx.TransportError as error:
            raise ConnectionLost(f"{type(error).__name__}: {error}") from error
        if response.is_success:
            return response
        raise error_from(response)
