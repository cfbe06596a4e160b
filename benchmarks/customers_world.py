"""Customers of one tenant who buy as the models assume, put into the read models as purchases leave them."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray

DAYS = 730
_SEED = 1
_HOME_SHARE = 0.85
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_COLUMNS = {
    "tenant_id": "V16",
    "order_id": "V16",
    "currency": "S3",
    "venue_id": "V16",
    "customer_id": "V16",
    "sold_at": ">i8",
    "channel": "S3",
    "order_count": ">i2",
    "ticket_count": ">i4",
    "refunded_ticket_count": ">i4",
    "gross_minor": ">i8",
    "refund_minor": ">i8",
    "fee_minor": ">i8",
    "newest_fact_at": ">i8",
}
_INDEXES = "select indexname, indexdef from pg_indexes where tablename = 'purchases' and indexname !~ 'pkey'"
_VENUE = "insert into venues (venue_id, tenant_id, name, time_zone) values ($1, $2, 'Hall', 'Europe/Berlin')"
_PEOPLE = """
insert into customers (tenant_id, customer_id, name, email, city, marketing_consent, registered_at)
select $1, customer_id, 'Somebody', customer_id || '@example.com', 'Berlin', true, min(sold_at)
  from purchases
 where tenant_id = $1 and sold_at >= $2
 group by customer_id
 order by customer_id
on conflict do nothing
"""
_SEEN = """
insert into customer_venues (tenant_id, venue_id, customer_id, first_seen_at, last_seen_at)
select $1, venue_id, customer_id, min(sold_at), max(sold_at)
  from purchases
 where tenant_id = $1 and sold_at >= $2
 group by venue_id, customer_id
 order by venue_id, customer_id
on conflict (tenant_id, venue_id, customer_id) do update set last_seen_at = excluded.last_seen_at
"""
_MARKS = """
insert into rfm_pending (tenant_id, venue_id, customer_id, marked_at)
select distinct tenant_id, venue_id, customer_id, now()
  from purchases
 where tenant_id = $1 and sold_at >= $2
on conflict do nothing
"""


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Two years of purchases, one row each.

    Attributes:
        tenant_id: The tenant.
        venue_ids: Its venues.
        end: Midnight, UTC, after the last day.
        customers: Customer number of each purchase; the first purchases come first.
        days: Day of each, from 0 on.
        spends: Minor units of each.
    """

    tenant_id: UUID
    venue_ids: Sequence[UUID]
    end: datetime
    customers: NDArray[np.int64]
    days: NDArray[np.int64]
    spends: NDArray[np.int64]

    @property
    def customer_count(self) -> int:
        return int(self.customers.max()) + 1

    def customer_ids(self, numbers: NDArray[np.int64]) -> list[UUID]:
        return [UUID(bytes=one.tobytes()) for one in self._ids()[numbers]]

    def home_of(self, number: int) -> UUID:
        """The venue that the customer bought at first."""
        return self.venue_ids[number % len(self.venue_ids)]

    async def load(self, admin: Any, first_day: int, end_day: int) -> None:
        """Put the purchases of some days, and who made them, where events would have put them.

        Before the first day the table is empty: its indexes are made when it is full, which is faster. Marks
        of who has to be scored are those of later days, as if nobody had been scored since.
        """
        indexes: list[Any] = []
        if not first_day:
            for venue_id in self.venue_ids:
                await admin.execute(_VENUE, venue_id, self.tenant_id)
            indexes = await admin.fetch(_INDEXES)
            for index in indexes:
                await admin.execute(f"drop index {index['indexname']}")
        rows = np.flatnonzero((self.days >= first_day) & (self.days < end_day))
        rows = rows[np.argsort(self.days[rows], kind="stable")]
        await admin.copy_to_table(
            "purchases", source=io.BytesIO(self._file(rows)), columns=list(_COLUMNS), format="binary"
        )
        for index in indexes:
            await admin.execute(index["indexdef"])
        since = self.end - timedelta(days=DAYS - first_day)
        await admin.execute(_PEOPLE, self.tenant_id, since)
        await admin.execute(_SEEN, self.tenant_id, since)
        if first_day:
            await admin.execute(_MARKS, self.tenant_id, since)

    def _ids(self) -> NDArray[np.void]:
        """Ids of the customers, scattered as random ones are."""
        numbers = np.random.default_rng(_SEED + 1).integers(0, 1 << 63, (self.customer_count, 2))
        return numbers.astype(">u8").view("V16")[:, 0]

    def _order_ids(self, rows: NDArray[np.int64]) -> NDArray[np.void]:
        """Ids that rise with time, as those of version 7 do."""
        halves = np.empty((len(rows), 2), ">u8")
        halves[:, 0], halves[:, 1] = self.days[rows], rows
        return halves.view("V16")[:, 0]

    def _file(self, rows: NDArray[np.int64]) -> bytes:
        """A binary COPY of some purchases."""
        count = len(rows)
        chance = np.random.default_rng(_SEED + 2)
        venues = np.frombuffer(b"".join(venue.bytes for venue in self.venue_ids), "V16")
        customers = self.customers[rows]
        at_home = (rows < self.customer_count) | (chance.random(count) < _HOME_SHARE)
        away = chance.integers(0, len(venues), count)
        start = (self.end - _EPOCH) // timedelta(microseconds=1) - DAYS * 86_400_000_000
        seconds = chance.integers(8 * 3600, 20 * 3600, count)
        sold_at = start + (self.days[rows] * 86_400 + seconds) * 1_000_000
        columns: dict[str, Any] = {
            "tenant_id": np.frombuffer(self.tenant_id.bytes * count, "V16"),
            "order_id": self._order_ids(rows),
            "currency": b"EUR",
            "venue_id": venues[np.where(at_home, customers % len(venues), away)],
            "customer_id": self._ids()[customers],
            "sold_at": sold_at,
            "channel": b"web",
            "order_count": 1,
            "ticket_count": 2,
            "refunded_ticket_count": 0,
            "gross_minor": self.spends[rows],
            "refund_minor": 0,
            "fee_minor": 0,
            "newest_fact_at": sold_at,
        }
        fields: list[tuple[str, str]] = [("fields", ">i2")]
        for name, kind in _COLUMNS.items():
            fields += [(f"{name}_length", ">i4"), (name, kind)]
        table = np.zeros(count, np.dtype(fields))
        table["fields"] = len(columns)
        for name, values in columns.items():
            table[f"{name}_length"] = table.dtype[name].itemsize
            table[name] = values
        return b"PGCOPY\n\xff\r\n\0" + bytes(8) + table.tobytes() + b"\xff\xff"


def simulated(customer_count: int, venue_count: int, end: datetime) -> World:
    """Customers who buy at gamma rates until they are lost, about five times each; the same every time.

    Source: P. Fader, B. Hardie and K. L. Lee (2005), "Counting Your Customers" the Easy Way, Marketing
    Science 24, section 3 (the story of BG/NBD); P. Fader and B. Hardie (2013), The Gamma-Gamma model (spend).
    """
    chance = np.random.default_rng(_SEED)
    first = chance.integers(0, DAYS - 60, customer_count)
    rate = chance.gamma(0.9, 1 / 50.0, customer_count)
    loss = chance.beta(0.8, 4.7, customer_count)
    customers, days = [np.arange(customer_count)], [first]
    at, stays = first.astype(np.float64), np.ones(customer_count, np.bool_)
    while stays.any():
        at[stays] += chance.exponential(1 / rate[stays])
        stays &= at < DAYS
        customers.append(np.flatnonzero(stays))
        days.append(at[stays].astype(np.int64))
        stays &= chance.random(customer_count) > loss
    buyers = np.concatenate(customers)
    spends = chance.gamma(6.0, 1 / chance.gamma(4.0, 1 / 15.0, customer_count)[buyers])
    return World(
        uuid4(),
        sorted(uuid4() for _ in range(venue_count)),
        end,
        buyers,
        np.concatenate(days),
        np.rint(spends * 100).astype(np.int64),
    )
