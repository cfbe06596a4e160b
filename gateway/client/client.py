"""The client itself: one attribute a service, one coroutine a method."""

from types import TracebackType
from typing import Self

import httpx
from tickettoken.rest.services import Services

from gateway.client.retries import RetryPolicy
from gateway.client.tokens import Bearer, TokenSource
from gateway.client.transport import HttpTransport


class AnalyticsClient(Services):
    """REST access to every service.

        async with AnalyticsClient("http://localhost:8080", token) as analytics:
            await analytics.metrics.record_metric(RecordMetricRequest(...))
            async for update in analytics.realtime.watch_venue_metrics(request): ...

    Args:
        base_url: The gateway, without path.
        token: A bearer token, or a coroutine function that fetches one (again, when the last one's time is
            over). None: only what needs no token.
        timeout_seconds: Longest time of one attempt of a call; streams have none.
        silence_seconds: Silence after which a stream counts as broken.
        retries: When failed calls are repeated.
        http: An httpx client of your own, for proxies or certificates; its base URL is used and you close it.
    """

    def __init__(
        self,
        base_url: str = "",
        token: TokenSource | None = None,
        *,
        timeout_seconds: float = 30.0,
        silence_seconds: float = 45.0,
        retries: RetryPolicy | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._http = http or httpx.AsyncClient(base_url=base_url, timeout=timeout_seconds)
        self._closes_http = http is None
        transport = HttpTransport(
            self._http,
            bearer=Bearer(token),
            retries=retries or RetryPolicy(),
            silence_seconds=silence_seconds,
        )
        super().__init__(transport)

    async def close(self) -> None:
        """Close the connections; a client that was passed in stays open."""
        if self._closes_http:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
