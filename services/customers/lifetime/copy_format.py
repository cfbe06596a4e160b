"""PostgreSQL's binary COPY format: purchases read from it, values written in it, whole columns at a time.

Source: PostgreSQL 18 documentation, COPY, "Binary Format": signature, flags, extension length; per row a
field count, per field its length (-1 = null) and bytes; a field count of -1 ends the file. All big-endian.
"""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from services.customers.lifetime.copy_file import EPOCH_US, HEADER, TRAILER
from services.customers.lifetime.purchases import Purchases

_CHUNK_ROWS: Final = 1 << 16
_PURCHASE: Final = np.dtype(
    [
        ("fields", ">i2"),
        ("venue_length", ">i4"),
        ("venue", ">i4"),
        ("customer_length", ">i4"),
        ("customer_high", ">u8"),
        ("customer_low", ">u8"),
        ("sold_length", ">i4"),
        ("sold", ">i8"),
        ("currency_length", ">i4"),
        ("currency", "S3"),
        ("count_length", ">i4"),
        ("count", ">i2"),
        ("spend_length", ">i4"),
        ("spend", ">i8"),
        ("newest_length", ">i4"),
        ("newest", ">i8"),
    ]
)
_LENGTHS: Final = {
    "fields": 7,
    "venue_length": 4,
    "customer_length": 16,
    "sold_length": 8,
    "currency_length": 3,
    "count_length": 2,
    "spend_length": 8,
    "newest_length": 8,
}


def read_purchases(stream: BinaryIO) -> Purchases:
    """Rows of venue, customer, sold_at, currency, order_count, spend_minor and newest_fact_at, in any order.

    The venue is its number, from 1 on, in a list that both sides know.

    Raises:
        ValueError: It is something else, or was cut short.
    """
    if stream.read(len(HEADER)) != HEADER:
        raise ValueError("not a COPY of purchases")
    parts = list(_tables(stream))
    codes = _joined(parts, "currency", "S3")
    currencies, currency = np.unique(codes, return_inverse=True)
    return Purchases(
        customer_high=_joined(parts, "customer_high", np.uint64),
        customer_low=_joined(parts, "customer_low", np.uint64),
        venue=_joined(parts, "venue", np.int32) - 1,
        currency=currency.astype(np.int32),
        sold=_joined(parts, "sold", np.int64) + EPOCH_US,
        stands=_joined(parts, "count", np.int8) > 0,
        spend=_joined(parts, "spend", np.int64),
        newest=_joined(parts, "newest", np.int64) + EPOCH_US,
        currencies=tuple(code.decode() for code in currencies.tolist()),
    )


def _tables(stream: BinaryIO) -> Iterator[NDArray[np.void]]:
    """Rows as they come, checked; ends at the file's own end."""
    while True:
        block = stream.read(_CHUNK_ROWS * _PURCHASE.itemsize)
        count, rest = divmod(len(block), _PURCHASE.itemsize)
        is_last = rest > 0
        if not is_last and not block:
            raise ValueError("a COPY was cut short")
        if is_last and block[count * _PURCHASE.itemsize :] != TRAILER:
            raise ValueError("rows of a COPY do not have the expected columns, or it was cut short")
        table = np.frombuffer(block, _PURCHASE, count)
        for name, length in _LENGTHS.items():
            if (table[name] != length).any():
                raise ValueError(f"a row of a COPY has an unexpected {name}")
        yield table
        if is_last:
            return


def _joined(parts: Sequence[NDArray[np.void]], name: str, kind: Any) -> NDArray[Any]:
    return np.concatenate([np.empty(0, kind), *(part[name].astype(kind) for part in parts)])


class Column:
    """One column of rows to write: big-endian values of one width, null where `is_null` says so."""

    def __init__(self, values: NDArray[Any], kind: str, is_null: NDArray[np.bool_] | None = None) -> None:
        self.values = values.astype(kind)
        self.is_null = is_null


def written_rows(columns: Sequence[Column]) -> Iterator[bytes]:
    """The rows of these columns, a chunk at a time, without header and trailer."""
    count = len(columns[0].values)
    for start in range(0, count, _CHUNK_ROWS):
        part = slice(start, min(start + _CHUNK_ROWS, count))
        nullable = [column for column in columns if column.is_null is not None]
        nulls = np.zeros(part.stop - start, np.int64)
        for place, column in enumerate(nullable):
            assert column.is_null is not None
            nulls |= column.is_null[part].astype(np.int64) << place
        for pattern in np.unique(nulls):
            missing = {id(column) for place, column in enumerate(nullable) if pattern >> place & 1}
            yield _rows(columns, np.flatnonzero(nulls == pattern) + start, missing)


def _rows(columns: Sequence[Column], places: NDArray[np.intp], missing: set[int]) -> bytes:
    """Rows that lack the same columns, which makes them equally wide."""
    fields: list[tuple[str, Any]] = [("fields", ">i2")]
    for number, column in enumerate(columns):
        fields.append((f"length{number}", ">i4"))
        if id(column) not in missing:
            fields.append((f"value{number}", column.values.dtype))
    table = np.empty(len(places), np.dtype(fields))
    table["fields"] = len(columns)
    for number, column in enumerate(columns):
        if id(column) in missing:
            table[f"length{number}"] = -1
            continue
        table[f"length{number}"] = column.values.dtype.itemsize
        table[f"value{number}"] = column.values[places]
    return table.tobytes()
