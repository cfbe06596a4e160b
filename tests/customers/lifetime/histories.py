"""Purchases as plain rows: drawn at random, told as a COPY file, and summed up the naive way."""

import struct
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np

from services.customers.lifetime.copy_file import HEADER, TRAILER

START = datetime(2024, 1, 1, 12, tzinfo=UTC)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """An order of a customer in one currency."""

    venue: int
    customer: UUID
    sold_at: datetime
    currency: str = "EUR"
    count: int = 1
    spend: int = 1000
    newest: datetime | None = None


def copy_file(rows):
    """What PostgreSQL sends, field by field."""
    return HEADER + b"".join(map(_packed, rows)) + TRAILER


def _packed(row):
    fields = (
        struct.pack(">i", row.venue + 1),
        row.customer.bytes,
        struct.pack(">q", _micros(row.sold_at)),
        row.currency.encode(),
        struct.pack(">h", row.count),
        struct.pack(">q", row.spend),
        struct.pack(">q", _micros(row.newest or row.sold_at)),
    )
    return struct.pack(">h", len(fields)) + b"".join(struct.pack(">i", len(one)) + one for one in fields)


def _micros(moment):
    return (moment - _EPOCH) // timedelta(microseconds=1)


def drawn_rows(count, seed, *, days=400, venue_of=lambda _customer: 0, currency_of=lambda _customer: "EUR"):
    """Orders of customers who buy at gamma rates and are lost with a beta chance after each repeat."""
    chance = np.random.default_rng(seed)
    rates = chance.gamma(0.9, 1 / 40, count)
    losses = chance.beta(0.9, 2.4, count)
    scales = chance.gamma(4.0, 1 / 15.0, count)
    rows = []
    for number in range(count):
        customer = UUID(int=(seed << 64) + number)
        day, again = float(chance.integers(0, days - 90)), False
        while day <= days:
            spend = round(100 * chance.gamma(6.0, 1 / scales[number]))
            at = START + timedelta(days=int(day), minutes=int(chance.integers(0, 300)))
            rows.append(Row(venue_of(number), customer, at, currency_of(number), spend=max(spend, 1)))
            if again and chance.random() < losses[number]:
                break
            again = True
            day += chance.exponential(1 / rates[number])
    return rows


def naive_summaries(rows, zones, end):
    """x, t_x and T in weeks by customer, from standing purchases up to a local date."""
    days = defaultdict(set)
    for row in rows:
        date = row.sold_at.astimezone(zones[row.venue]).date()
        if row.count and date <= end:
            days[row.customer].add(date)
    return {
        customer: (
            len(own) - 1,
            (max(own) - min(own)).days / 7,
            (end - min(own)).days / 7,
        )
        for customer, own in days.items()
    }
