"""Ids as texts of messages turned into UUIDs."""

from functools import lru_cache
from typing import Final
from uuid import UUID

from asyncpg.pgproto import pgproto

_MOST_REMEMBERED: Final = 65_536


@lru_cache(maxsize=_MOST_REMEMBERED)
def repeated_id(text: str) -> UUID:
    """An id that is asked for again, as a venue's or that of an event in hand: read once, then remembered.

    Gives the driver's own kind of UUID, a subclass that is equal to the others: it is read, hashed and sent
    several times as fast. What only Python's kind understands (braces, a URN) still is an id.

    Raises:
        ValueError: It is no UUID.
    """
    try:
        fast: UUID = pgproto.UUID(text)
    except ValueError:
        return UUID(text)
    return fast
