"""Rows of fixed width in PostgreSQL's binary COPY format, read and written whole columns at a time.

Source: PostgreSQL 18 documentation, COPY, "Binary Format": signature, flags, extension length; per row a
field count, per field its length and bytes; a field count of -1 ends the file. All big-endian.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]
Layout = Mapping[str, str]
"""numpy's type of each column's bytes, in order; "uuid" becomes the columns `<name>_high` and
`<name>_low`."""

UUID_COLUMN: Final = "uuid"
EPOCH_US: Final = 946_684_800_000_000
"""timestamptz counts microseconds from 2000-01-01."""
EPOCH_DAY: Final = 730_120
"""date counts days from 2000-01-01, `date.toordinal` from the year 1."""

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_CHUNK_ROWS: Final = 1 << 16


def read_rows(file: bytes | bytearray, layout: Layout) -> dict[str, NDArray[Any]]:
    """The columns of a file without nulls.

    Raises:
        ValueError: It is something else, or was cut short.
    """
    row = _row_type(layout)
    count, rest = divmod(len(file) - len(_HEADER) - len(_TRAILER), row.itemsize)
    if not file.startswith(_HEADER) or not file.endswith(_TRAILER) or rest:
        raise ValueError("not a COPY of the expected columns, or it was cut short")
    table = np.frombuffer(file, row, count, len(_HEADER))
    lengths = _lengths(layout)
    if any((table[name] != length).any() for name, length in lengths.items()):
        raise ValueError("a row of a COPY has a field of another length")
    return {
        name: np.ascontiguousarray(table[name].astype(row[name].newbyteorder("=")))
        for name in row.names or ()
        if name not in lengths
    }


async def written_rows(columns: Columns, layout: Layout, part: slice) -> AsyncIterator[bytes]:
    """A file with these rows of the columns."""
    row = _row_type(layout)
    lengths = _lengths(layout)
    yield _HEADER
    start, stop, _ = part.indices(len(columns[next(iter(row.names[2:]))] if row.names else ()))
    for at in range(start, stop, _CHUNK_ROWS):
        end = min(at + _CHUNK_ROWS, stop)
        table = np.empty(end - at, row)
        for name in row.names or ():
            table[name] = lengths[name] if name in lengths else columns[name][at:end]
        yield table.tobytes()
    yield _TRAILER


def _row_type(layout: Layout) -> np.dtype[np.void]:
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in layout.items():
        fields.append((f"{name}_length", ">i4"))
        if kind == UUID_COLUMN:
            fields += [(f"{name}_high", ">u8"), (f"{name}_low", ">u8")]
        else:
            fields.append((name, kind))
    return np.dtype(fields)


def _lengths(layout: Layout) -> dict[str, int]:
    """What every row has in its columns of lengths."""
    widths = {
        f"{name}_length": 16 if kind == UUID_COLUMN else np.dtype(kind).itemsize
        for name, kind in layout.items()
    }
    return {"fields": len(layout), **widths}
