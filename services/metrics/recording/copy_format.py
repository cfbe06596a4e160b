"""Writes rows in PostgreSQL's binary COPY format, whole columns at a time."""

import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.metrics.recording.rows import Rows

# Source: PostgreSQL 18 documentation, COPY, "Binary Format": signature, flags, extension length; per row a
# field count, per field its length (-1 = null) and bytes; a field count of -1 ends the file. All big-endian.
_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_POSTGRES_EPOCH_US: Final = 946_684_800_000_000  # timestamptz counts microseconds from 2000-01-01
_JSONB_VERSION: Final = b"\x01"

_NUMBERS: Final = [
    ("fields", ">i2"),
    ("series_length", ">i4"),
    ("series", ">i8"),
    ("time_length", ">i4"),
    ("time", ">i8"),
    ("value_length", ">i4"),
    ("value", ">f8"),
]
_PLAIN: Final = np.dtype([*_NUMBERS, ("metric_id_length", ">i4"), ("metadata_length", ">i4")])
_IDENTIFIED: Final = np.dtype(
    [*_NUMBERS, ("metric_id_length", ">i4"), ("metric_id", "V16"), ("metadata_length", ">i4")]
)
_FIXED: Final = struct.Struct(">hiqiqid")


def binary_copy(rows: Rows) -> bytes:
    """The rows as a COPY file with the columns series_id, metric_time, value, metric_id, metadata."""
    usual = np.ones(len(rows), bool)
    usual[list(rows.metadata)] = False
    parts = [_HEADER]
    if rows.metric_ids:
        identified = np.fromiter(map(bool, rows.metric_ids), bool, len(rows))
        parts.append(_identified(rows, np.flatnonzero(usual & identified)))
        usual &= ~identified
    parts.append(_plain(rows, np.flatnonzero(usual)))
    parts.extend(_with_metadata(rows, at) for at in rows.metadata)
    parts.append(_TRAILER)
    return b"".join(parts)


def _plain(rows: Rows, places: NDArray[np.intp]) -> bytes:
    table = np.empty(len(places), _PLAIN)
    _fill_numbers(table, rows, places)
    table["metric_id_length"] = -1
    table["metadata_length"] = -1
    return table.tobytes()


def _identified(rows: Rows, places: NDArray[np.intp]) -> bytes:
    table = np.empty(len(places), _IDENTIFIED)
    _fill_numbers(table, rows, places)
    metric_ids = rows.metric_ids
    packed = b"".join(metric_ids) if len(places) == len(rows) else b"".join([metric_ids[at] for at in places])
    table["metric_id_length"] = 16
    table["metric_id"] = np.frombuffer(packed, "V16")
    table["metadata_length"] = -1
    return table.tobytes()


def _fill_numbers(table: NDArray[np.void], rows: Rows, places: NDArray[np.intp]) -> None:
    whole = len(places) == len(rows)
    table["fields"] = 5
    table["series_length"] = table["time_length"] = table["value_length"] = 8
    table["series"] = rows.series if whole else rows.series[places]
    table["time"] = (rows.times if whole else rows.times[places]) - _POSTGRES_EPOCH_US
    table["value"] = rows.values if whole else rows.values[places]


def _with_metadata(rows: Rows, at: int) -> bytes:
    metric_id = rows.metric_ids[at] if rows.metric_ids else b""
    metadata = _JSONB_VERSION + rows.metadata[at].encode()
    return b"".join(
        (
            _FIXED.pack(
                5,
                8,
                int(rows.series[at]),
                8,
                int(rows.times[at]) - _POSTGRES_EPOCH_US,
                8,
                float(rows.values[at]),
            ),
            struct.pack(">i", len(metric_id) or -1),
            metric_id,
            struct.pack(">i", len(metadata)),
            metadata,
        )
    )
