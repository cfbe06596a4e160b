"""When a call is tried again, and after how long."""

import random
from dataclasses import dataclass

from gateway.client.errors import ApiError
from libs.common.errors import Kind

_AGAIN = frozenset({Kind.UNAVAILABLE, Kind.RESOURCE_EXHAUSTED, Kind.ABORTED})
_PASSING_CONFLICTS = frozenset({"IDEMPOTENCY_IN_FLIGHT", "TRANSACTION_CONFLICT"})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential waiting with full jitter, or as long as the server asks for.

    Args:
        attempts: Calls at most, the first one included.
        first_wait_seconds: Upper end of the wait before the second call; doubles with each further one.
        longest_wait_seconds: No wait is longer; a server that asks for more is not tried again.
    """

    attempts: int = 4
    first_wait_seconds: float = 0.2
    longest_wait_seconds: float = 10.0

    def wait_seconds(self, error: ApiError, attempt: int) -> float | None:
        """How long to wait after this failed attempt (from 1); None: give up.

        A conflict (ABORTED) is tried again only where it passes by itself: a call with the same idempotency
        key is in flight, or a transaction lost a race. An etag that does not match stays wrong.
        """
        if attempt >= self.attempts or error.kind not in _AGAIN:
            return None
        if error.kind is Kind.ABORTED and error.reason not in _PASSING_CONFLICTS:
            return None
        if error.kind is Kind.RESOURCE_EXHAUSTED and error.retry_after is None:
            return None
        if error.retry_after is not None:
            asked = error.retry_after.total_seconds()
            return asked if asked <= self.longest_wait_seconds else None
        return self.jittered(attempt)

    def jittered(self, attempt: int) -> float:
        """A random wait after the given number of attempts in a row."""
        longest = min(self.longest_wait_seconds, self.first_wait_seconds * 2 ** (attempt - 1))
        return random.uniform(0, longest)  # noqa: S311 - spreads clients, guards nothing
