"""What every file of PostgreSQL's binary COPY begins and ends with, and since when it counts time."""

from typing import Final

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
EPOCH_US: Final = 946_684_800_000_000
"""timestamptz counts microseconds from 2000-01-01."""
