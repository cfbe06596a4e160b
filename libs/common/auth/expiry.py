"""Streams end with the token that opened them."""

from datetime import UTC, datetime

from libs.common.auth.errors import TokenExpired
from libs.common.context import Caller


def require_unexpired(caller: Caller) -> None:
    """Return while the caller's token is valid; long streams call it between messages.

    Raises:
        TokenExpired: Its time is over.
    """
    if datetime.now(UTC) >= caller.expires_at:
        raise TokenExpired("the token has expired; continue with a new one")
