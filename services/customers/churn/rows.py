"""A place's churn as rows of a COPY into the stage of a run."""

import json
from collections.abc import Iterator
from math import isnan
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.customers.churn.place_churn import Drivers, PlaceChurn
from services.customers.lifetime.accounts import Accounts
from services.customers.lifetime.copy_file import EPOCH_US
from services.customers.lifetime.copy_format import Column, written_rows
from services.customers.lifetime.purchases import Customers
from services.customers.lifetime.summaries import Codes

_CHUNK_ROWS: Final = 1 << 15


def newest_of(accounts: Accounts, customers: Codes) -> Codes:
    """Microseconds of the newest fact of each customer, over all currencies; customers ascend."""
    newest = np.zeros(len(customers), np.int64)
    if not len(customers):
        return newest
    places = np.minimum(np.searchsorted(customers, accounts.customer), len(customers) - 1)
    known = customers[places] == accounts.customer
    np.maximum.at(newest, places[known], accounts.newest[known])
    return newest


def row_count(found: PlaceChurn) -> int:
    """Rows that `rows_of` gives."""
    return len(found.customers) if found.model is not None else 0


def rows_of(venue_id: UUID, found: PlaceChurn, newest: Codes, customers: Customers) -> Iterator[bytes]:
    """The columns of the stage, a chunk at a time; nothing where no model serves.

    Args:
        venue_id: The place.
        found: Its churn.
        newest: Microseconds of the newest fact about each of its customers.
        customers: Ids by code.
    """
    if found.model is None:
        return
    name = found.model.encode()
    for start in range(0, len(found.customers), _CHUNK_ROWS):
        part = slice(start, min(start + _CHUNK_ROWS, len(found.customers)))
        codes = found.customers[part]
        count = len(codes)
        ids = np.empty((count, 2), ">u8")
        ids[:, 0], ids[:, 1] = customers.high[codes], customers.low[codes]
        gaps = found.usual_gap_days[part]
        no_gap = np.isnan(gaps)
        drivers = _driver_texts(found.drivers, part)
        yield from written_rows(
            (
                Column(np.frombuffer(venue_id.bytes * count, "V16"), "V16"),
                Column(ids.view("V16")[:, 0], "V16"),
                Column(found.probability[part], ">f8"),
                Column(drivers, drivers.dtype.str),
                Column(np.where(no_gap, 0, gaps), ">f8", no_gap),
                Column(found.has_missed_usual_show[part], "u1", no_gap),
                Column(np.full(count, name), f"S{len(name)}"),
                Column(newest[part] - EPOCH_US, ">i8"),
            )
        )


def _driver_texts(drivers: Drivers | None, part: slice) -> NDArray[np.bytes_]:
    """JSON of each customer's drivers, all equally wide: PostgreSQL reads over the spaces behind it."""
    if drivers is None:
        return np.full(part.stop - part.start, b"[]")
    names = [json.dumps(name) for name in drivers.names]
    columns = (drivers.features[part].tolist(), drivers.values[part].tolist(), drivers.effects[part].tolist())
    texts = [
        b"["
        + ",".join(
            f'{{"name":{names[feature]},"value":{_number(value)},"effect":{_number(effect)}}}'
            for feature, value, effect in zip(*own, strict=True)
            if feature >= 0
        ).encode()
        + b"]"
        for own in zip(*columns, strict=True)
    ]
    width = max(map(len, texts))
    return np.array([text.ljust(width) for text in texts], f"S{width}")


def _number(value: float) -> str:
    """JSON has no NaN: what a customer has none of is null."""
    return "null" if isnan(value) else f"{value:.6g}"
