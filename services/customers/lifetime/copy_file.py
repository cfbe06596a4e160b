"""What every file of PostgreSQL's binary COPY begins and ends with, and since when it counts time."""

from collections.abc import AsyncIterator
from typing import Final

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
EPOCH_US: Final = 946_684_800_000_000
"""timestamptz counts microseconds from 2000-01-01."""


async def file_of(rows: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The file that these rows make."""
    yield HEADER
    async for block in rows:
        yield block
    yield TRAILER
