"""Names of the day: pseudonyms for exports, by a salt that lives one day, in Redis only.

While the salt lives they are pseudonyms, no more: who holds it can check a guess. When it is gone nothing can
make or check a name of that day again, this service included.

Source: HMAC, RFC 2104 (Krawczyk, Bellare, Canetti 1997), with SHA-256 (FIPS 180-4).
"""

import hmac
import secrets
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from redis.asyncio import Redis

from libs.common.errors import DependencyUnavailable
from libs.common.redis import FAILURES, execute, tenant_key

_SALT_BYTES: Final = 32
_NAME_BYTES: Final = 16
_GRACE: Final = timedelta(hours=1)
"""An export that began before midnight may end with the salt that it began with."""


class DailyPseudonyms:
    """Names of one day for people and sessions of a tenant.

    Args:
        redis: Holds the salts; nothing else does, and nothing logs them.
        service: Name of this service.
    """

    def __init__(self, redis: Redis, *, service: str) -> None:
        self._redis = redis
        self._service = service

    async def of_day(self, tenant_id: UUID, clock: ZoneInfo, *, now: datetime | None = None) -> "Names":
        """The names of the day that it is on a clock; the same for every replica.

        Args:
            tenant_id: Whose people: two tenants have unrelated names.
            clock: Where the day begins at midnight.
            now: The present instant.

        Raises:
            DependencyUnavailable: Redis does not answer. There is no other salt to fall back to.
        """
        present = now or datetime.now(UTC)
        day = present.astimezone(clock).date()
        key = tenant_key("analytics", tenant_id, self._service, "daily-salt", clock.key, day.isoformat())
        midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), clock)
        life = max(1, int((midnight + _GRACE - present).total_seconds()))
        try:
            await execute(self._redis, "SET", key, secrets.token_bytes(_SALT_BYTES), "NX", "EX", life)
            salt = await execute(self._redis, "GET", key)
        except FAILURES as error:
            raise DependencyUnavailable("Redis is not reachable", dependency="redis") from error
        if salt is None:
            raise DependencyUnavailable("the day's salt is gone; try again", dependency="redis")
        return Names(salt)


class Names:
    """Makes the names of one day.

    Args:
        salt: The day's.
    """

    def __init__(self, salt: bytes) -> None:
        self._salt = salt

    def __repr__(self) -> str:
        return "Names()"

    def of(self, kind: str, identifier: str) -> str:
        """The name of an identifier: 32 hexadecimal digits.

        Args:
            kind: What it identifies, such as "customer": equal texts of two kinds have two names.
            identifier: Compared without regard to case and to how its letters are composed.
        """
        return _token(self._salt, (kind, folded(identifier)))


def folded(identifier: str) -> str:
    """An identifier as it is compared: composed (NFC) and case-folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", identifier.strip()).casefold())


def _token(key: bytes, parts: Iterable[str]) -> str:
    """HMAC over the parts, each with its length before it: ("a", "bc") and ("ab", "c") differ."""
    encoded = [part.encode() for part in parts]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
    return hmac.digest(key, message, "sha256")[:_NAME_BYTES].hex()
