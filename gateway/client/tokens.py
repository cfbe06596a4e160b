"""Where the bearer token comes from."""

from collections.abc import Awaitable, Callable

TokenSource = str | Callable[[], Awaitable[str]]


class Bearer:
    """A fixed token, or one that is fetched and kept until a server says that its time is over."""

    def __init__(self, source: TokenSource | None) -> None:
        self._source = source
        self._kept = source if isinstance(source, str) else None

    @property
    def renews(self) -> bool:
        """Whether a fresh token can be had."""
        return callable(self._source)

    def expire(self) -> None:
        """Forget the token that was refused; the next call fetches another one."""
        if self.renews:
            self._kept = None

    async def headers(self) -> dict[str, str]:
        """The authorization header; none without a token."""
        if self._kept is None and callable(self._source):
            self._kept = await self._source()
        return {"authorization": f"Bearer {self._kept}"} if self._kept else {}
